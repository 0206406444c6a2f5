"""What clients may keep: sealed things for ever, everything else only to ask whether it is still so (RFC 9110, 9111)."""

import hashlib
import json
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

IMMUTABLE = "private, max-age=31536000, immutable"
"""For what a digest names: the same address always has the same bytes. Private, since reading needs an account."""
ASK = "private, no-cache"
NEVER = "no-store"
READING = ("GET", "HEAD")
WHO = ("Authorization", "Cookie")


def tagged(response: HttpResponseBase, tag: str, *, immutable: bool = False) -> HttpResponseBase:
    """The response with its entity tag; `immutable` for what can never be otherwise."""
    response["ETag"] = f'"{tag}"'
    response["Cache-Control"] = IMMUTABLE if immutable else ASK
    return response


def tag_of(shown: Any) -> str:
    """A tag for a representation that more than one row stands behind: a hash of all that it shows."""
    data = shown if isinstance(shown, bytes) else json.dumps(shown, sort_keys=True, default=str).encode()
    return hashlib.sha256(data).hexdigest()[:32]


def finished(request: Any, response: HttpResponseBase) -> HttpResponseBase:
    """The response with its rule for caches, or 304 when the client has it already."""
    reading = request.method in READING and response.status_code == 200
    if not reading:
        response["Cache-Control"] = NEVER
    response.headers.setdefault("Cache-Control", ASK)
    patch_vary_headers(response, WHO)
    known = request.META.get("HTTP_IF_NONE_MATCH", "")
    if not (reading and known and "ETag" in response and matches(known, response["ETag"])):
        return response
    # The first response is dropped, not closed: closing one tells Django that the request is over. No file is open in it yet.
    same = HttpResponse(status=304)
    for name in ("ETag", "Cache-Control", "Vary"):
        same[name] = response[name]
    return same


def matches(header: str, tag: str) -> bool:
    """Whether `If-None-Match` names this tag (weak comparison)."""
    known = parse_etags(header)
    return known == ["*"] or tag in [one.removeprefix("W/") for one in known]
