"""Blobs over HTTP, a chunk at a time: an upload of gigabytes must not become a process of gigabytes."""

from collections.abc import AsyncIterator, Generator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from governance.registry import blobs
from governance.registry.blobs import CHUNK

BYTES = "application/octet-stream"


def download(request: HttpRequest, sha256: str, size: int, name: str) -> StreamingHttpResponse:
    """The blob as a file called `name`, which is `size` bytes long. Raises MissingBlob."""
    with blobs.opened(sha256):
        # Missing bytes are told now: once the first chunk is sent, it is too late for a status.
        chunks = achunks_of(sha256) if isinstance(request, ASGIRequest) else chunks_of(sha256)
    response = StreamingHttpResponse(chunks, content_type=BYTES)
    response["Content-Length"] = str(size)
    response["Content-Disposition"] = (
        content_disposition_header(True, name.rsplit("/", 1)[-1]) or "attachment"
    )
    return response


def chunks_of(sha256: str) -> Generator[bytes, None, None]:
    with blobs.opened(sha256) as file:
        while chunk := file.read(CHUNK):
            yield chunk


async def achunks_of(sha256: str) -> AsyncIterator[bytes]:
    chunks = chunks_of(sha256)
    try:
        while chunk := await sync_to_async(following)(chunks):
            yield chunk
    finally:
        chunks.close()


def following(chunks: Iterator[bytes]) -> bytes:
    return next(chunks, b"")
