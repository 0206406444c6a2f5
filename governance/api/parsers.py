"""Bodies: JSON as strictly as the registry needs it, and uploads, both of bounded size."""

import hashlib
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from governance.ledger.canonical import CanonicalError, loads
from governance.ledger.keepable import unkeepable

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


def sha256_of(file: Any) -> str:
    """Hex SHA-256 of an uploaded file, which is read from its beginning and left there."""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
