"""Content-addressed files behind Django's storage: a blob's name is its SHA-256, so a name never means two things."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from governance.registry.models import Blob

CHUNK = 1 << 20


class MissingBlob(FileNotFoundError):
    """The database knows a blob whose bytes are gone."""


class ErasedBlob(OSError):
    """Bytes that were erased under a legal request, and are not taken again."""


def store() -> Storage:
    return storages["blobs"]


def place(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def digest_file(path: Path) -> tuple[str, int]:
    """(SHA-256 hex, size in bytes) of a file, read in chunks."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def put(path: Path) -> Blob:
    """Store a copy of the file at `path` and its row. Storing the same bytes again does nothing.

    Raises OSError (disk full), ErasedBlob.
    """
    sha256, size = digest_file(path)
    if not store().exists(place(sha256)):
        _write(sha256, path)
    blob = Blob.objects.get_or_create(sha256=sha256, defaults={"size": size})[0]
    if blob.erased:
        store().delete(place(sha256))
        raise ErasedBlob(
            f"{path.name} holds bytes that were erased under a legal request; they are not taken again."
        )
    return blob


def put_bytes(data: bytes) -> Blob:
    """As `put`, for bytes in memory."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(data)
    try:
        return put(Path(file.name))
    finally:
        os.unlink(file.name)


def _write(sha256: str, path: Path) -> None:
    backend = store()
    if not isinstance(backend, FileSystemStorage):
        with path.open("rb") as source:
            backend.save(place(sha256), File(source))
        return
    # A reader must never see half a blob: write beside it, sync, rename. Dying before the rename leaves only a stray temporary file.
    target = Path(backend.path(place(sha256)))
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as out, path.open("rb") as source:
            while chunk := source.read(CHUNK):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if digest_file(Path(temporary))[0] != sha256:
            raise OSError(
                f"{path} changed while it was being stored; register it again when nothing writes to it."
            )
        os.chmod(temporary, 0o444)
        os.replace(temporary, target)
        # Else a power cut could take the name away again, after the entry that speaks of it was written.
        for folder in (target.parent, *target.parent.parents[:2]):
            _sync_folder(folder)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def opened(sha256: str) -> Iterator[IO[bytes]]:
    """The blob's bytes for reading. Raises MissingBlob."""
    try:
        file = store().open(place(sha256), "rb")
    except FileNotFoundError as error:
        if Blob.objects.filter(sha256=sha256, erased=True).exists():
            raise MissingBlob(f"The bytes of {sha256} were erased under a legal request.") from error
        raise MissingBlob(
            f"The bytes of {sha256} are not in the store; restore them from a backup."
        ) from error
    try:
        yield file
    finally:
        file.close()


def digest(sha256: str) -> str:
    """SHA-256 (hex) of the bytes that the store holds under that name. Raises MissingBlob."""
    with opened(sha256) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def read(sha256: str, limit: int | None = None) -> bytes:
    with opened(sha256) as file:
        return file.read() if limit is None else file.read(limit)


def lay_out(files: list[dict[str, object]], folder: Path) -> Path:
    """Copy the named blobs to their paths under `folder`, and check each copy's digest. Raises MissingBlob, OSError."""
    for entry in files:
        target = folder / str(entry["path"])
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(str(entry["sha256"]), target)
        if digest_file(target)[0] != entry["sha256"]:
            raise MissingBlob(f"{entry['path']} in the store no longer has the digest {entry['sha256']}.")
    return folder


def _copy(sha256: str, target: Path) -> None:
    with opened(sha256) as source, target.open("wb") as out:
        while chunk := source.read(CHUNK):
            out.write(chunk)
