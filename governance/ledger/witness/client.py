"""Asking one witness for its cosignature over HTTP (pure: the standard library alone)."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from governance.ledger.note import NoteError, TreeHead, cosignatures
from governance.ledger.policy import Witness
from governance.ledger.proof import Extension
from governance.ledger.witness import PATH, SIZE_TYPE

TIMEOUT_SECONDS = 10
MAX_ANSWER = 16 * 1024

Prove = Callable[[int, int], Sequence[bytes]]
"""Consistency proof from one size to another."""


class Unreachable(Exception):
    """The witness does not answer, or not as a witness does. Ask again later."""


class Disagrees(Exception):
    """The witness has seen another history of this log than the one it is shown: a fork, or a restored old backup.

    `seen` is the size that it saw, where that is more than it was shown: then the log may just have moved on.
    """

    def __init__(self, sentence: str, seen: int = 0) -> None:
        super().__init__(sentence)
        self.seen = seen


@dataclass(frozen=True)
class Cosigned:
    """The signature line and the time (Unix seconds) that it signs."""

    line: str
    moment: int


def ask(witness: Witness, note: str, head: TreeHead, prove: Prove, last: int = 0) -> Cosigned:
    """The witness's cosignature on `note`; `last` is the size that it is believed to have seen last.

    Raises Unreachable, or Disagrees when it saw more entries than the log has, or other ones.
    """
    status, kind, text = _send(witness, Extension(last, _proof(prove, last, head.size), note))
    if status == 409 and kind == SIZE_TYPE:
        seen = _size(text)
        if seen > head.size or seen == last:
            raise Disagrees(
                f"{witness.key.name} saw {seen} entries of another history; the log has {head.size}", seen
            )
        status, kind, text = _send(witness, Extension(seen, _proof(prove, seen, head.size), note))
        if status == 409 and kind == SIZE_TYPE and _size(text) > seen:
            raise Unreachable(f"{witness.key.name} was asked by somebody else at the same time; ask again")
    if status in (409, 422):
        raise Disagrees(f"{witness.key.name} does not find its last head in this log ({text.strip()[:200]})")
    if status != 200:
        raise Unreachable(f"{witness.key.name} answers {status}: {text.strip()[:200]}")
    return _checked(witness, note, text)


def _proof(prove: Prove, old: int, new: int) -> Sequence[bytes]:
    return prove(old, new) if 0 < old < new else []


def _checked(witness: Witness, note: str, text: str) -> Cosigned:
    line = next((one for one in text.splitlines() if one.startswith(f"— {witness.key.name} ")), "")
    try:
        found = cosignatures(f"{note}{line}\n", [witness.key])
    except NoteError as error:
        raise Unreachable(f"{witness.key.name} answers with a wrong signature: {error}") from error
    if witness.key not in found:
        raise Unreachable(f"{witness.key.name} answers without its signature")
    return Cosigned(f"{line}\n", found[witness.key])


def _size(text: str) -> int:
    number = text.strip()
    if not (number.isascii() and number.isdigit() and len(number) < 20):
        raise Unreachable(f"a witness's size is a number, not {text[:40]!r}")
    return int(number)


def _send(witness: Witness, extension: Extension) -> tuple[int, str, str]:
    address = f"{witness.address.rstrip('/')}/{PATH}"
    if not address.startswith(("http://", "https://")):
        raise Unreachable(f"{witness.key.name} has no address to ask at: {witness.address!r}")
    request = urllib.request.Request(address, extension.text.encode(), method="POST")  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            return _read(answer)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error)
    except (OSError, ValueError) as error:
        raise Unreachable(f"{witness.key.name} does not answer: {error}") from error


def _read(answer: object) -> tuple[int, str, str]:
    body = answer.read(MAX_ANSWER).decode("utf-8", "replace")  # type: ignore[attr-defined]
    kind = str(answer.headers.get("Content-Type", "")).partition(";")[0]  # type: ignore[attr-defined]
    return int(answer.status), kind, body  # type: ignore[attr-defined]
