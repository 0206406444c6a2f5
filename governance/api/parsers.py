"""Bodies: JSON as strictly as the registry needs it, and uploads, both of bounded size."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from governance.ledger.canonical import MAX_DEPTH, CanonicalError, loads

CHUNK = 1 << 16


class TooLarge(APIException):
    """The body is larger than this installation takes."""

    status_code = 413
    default_code = "too_large"

    def __init__(self, limit: int, help: str) -> None:
        super().__init__(f"The body is larger than {limit:,} bytes. {help}")


class LengthRequired(APIException):
    """A body came in pieces of unknown number, which Django would read as no body at all."""

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with Content-Length, not with Transfer-Encoding: chunked."


class StrictJson(BaseParser):
    """JSON as the registry keeps it: fractions as decimals, no key twice, no NUL, no lone surrogates, no endless nesting."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            value = loads(bounded(stream, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
        except CanonicalError as error:
            raise ParseError(f"The body is {error}.") from error
        if fault := unkeepable(value):
            raise ParseError(f"The body holds {fault}.")
        return value


def check_length(request: Any, limit: int) -> None:
    """Raise TooLarge when the request announces more than `limit` bytes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > limit:
        raise TooLarge(limit, "Register it with manage.py register on the server, which has no such limit.")


def bounded(stream: IO[Any], limit: int) -> bytes:
    """All of `stream`. Raises TooLarge beyond `limit` bytes."""
    data = bytearray()
    while chunk := stream.read(CHUNK):
        data += chunk
        if len(data) > limit:
            raise TooLarge(limit, "Send files with POST /api/v1/versions/upload/.")
    return bytes(data)


def unkeepable(value: object) -> str | None:
    """What in parsed JSON or YAML the ledger cannot keep, in words, or None. Never recurses."""
    queue: list[tuple[object, int]] = [(value, 0)]
    while queue:
        item, depth = queue.pop()
        if depth > MAX_DEPTH:
            return f"something nested deeper than {MAX_DEPTH}"
        if isinstance(item, str):
            if "\0" in item:
                return "text with a NUL character"
            if not item.isascii() and any("\ud800" <= char <= "\udfff" for char in item):
                return "text with a lone surrogate"
        elif isinstance(item, Mapping):
            queue += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list | tuple):
            queue += [(part, depth + 1) for part in item]
    return None
