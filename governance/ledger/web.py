"""Asking a server elsewhere over HTTP (pure: the standard library alone).

It may be broken or hostile: what comes of it is a status and so many bytes, or Unreachable, and nothing else.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

MAX_QUOTED = 300
"""Characters of a stranger's text in one of our sentences."""


class Unreachable(Exception):
    """Whoever is asked does not answer, or not as such a server does. This says nothing about what it holds."""


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    """Its media type, without parameters."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def ask(
    address: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    timeout: float,
    most: int,
) -> Answer:
    """What `address` answers, whatever its status, and at most `most` bytes of it; a `body` is sent with POST.

    `timeout` is in seconds. Raises Unreachable.
    """
    if not address.startswith(("http://", "https://")):
        raise Unreachable(f"{quoted(address)} is no web address")
    try:
        request = urllib.request.Request(address, body, dict(headers or {}))  # noqa: S310 - checked above
        with _open(request, timeout) as answer:
            kind = str(answer.headers.get("Content-Type", "")).partition(";")[0]
            return Answer(answer.status, kind, answer.read(most))
    except (OSError, ValueError, HTTPException) as error:
        raise Unreachable(f"{quoted(address)} does not answer: {quoted(error)}") from error


def quoted(said: object, most: int = MAX_QUOTED) -> str:
    """What a stranger said, as any terminal, log and report can take it: short, on one line, no control characters."""
    return "".join(char if char.isprintable() else "?" for char in str(said)[:most])


def _open(request: urllib.request.Request, timeout: float) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=timeout)  # noqa: S310 - checked by the caller
    except urllib.error.HTTPError as error:
        # It is the answer, too; reading it can fail as reading any other.
        return error
