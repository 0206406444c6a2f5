"""Single rows of a registered dataset, read through an index: never the whole file, however large it is."""

import logging
from collections.abc import Iterable
from contextlib import AbstractContextManager
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.conf import settings

from governance.registry import blobs, datasets
from governance.registry.datasets import copies, paging
from governance.registry.models import Version

log = logging.getLogger("charter.registry")

LIMIT = 200
"""Most rows that one page holds."""


class NoRows(LookupError):
    """A version without rows to show. The message says why, and what to do."""


class Erased(NoRows):
    """The content was erased under a legal request."""


class NotUnpacked(NoRows):
    """The rows lie in a compressed file, and there is no copy of them yet that can be paged through."""


class Shown(NamedTuple):
    number: int
    """From 1, in file order."""
    sha256: str
    """SHA-256 of the row's RFC 8785 bytes, as it enters the digest over all rows."""
    row: dict[str, Any]


class Page(NamedTuple):
    total: int
    start: int
    rows: list[Shown]

    @property
    def end(self) -> int:
        """Number of the last row shown, `start` - 1 when there is none."""
        return self.start + len(self.rows) - 1

    @property
    def next(self) -> int | None:
        """Where the next page starts."""
        return self.end + 1 if self.rows and self.end < self.total else None


def cache() -> Path:
    return Path(settings.CHARTER_CACHE)


def keep_index(sha256: str, path: Path, index: Iterable[tuple[int, int]]) -> None:
    """Keep the index that was made while a file was read, if its rows are paged through as they lie. It may be made again."""
    if copies.needs_copy(path.name) or path.stat().st_size <= paging.SMALL:
        return
    try:
        paging.write_index(copies.index_path(cache(), sha256), index)
    except OSError as error:
        log.warning("no index of %s could be kept (%s); a scan makes it again", path.name, error)


def page(version: Version, start: int, limit: int) -> Page:
    """At most `limit` rows from number `start` on. Raises NoRows, NotUnpacked, MissingBlob, BadData.

    The caller has checked that the version may be read.
    """
    entry, name = _file(version), version.subject
    with _plain(version, entry) as stream:
        lines = paging.read(stream, _index(version, entry), start, limit)
    return Page(version.content["rows"], start, [_shown(line, name) for line in lines])  # type: ignore[index]


def _shown(line: paging.Line, name: str) -> Shown:
    row = datasets.parse(line.data, line.number, name)
    return Shown(line.number, sha256_of(datasets.row_bytes(row)).hexdigest(), row)


def _file(version: Version) -> dict[str, Any]:
    content = version.content or {}
    if version.kind != "dataset" or not version.is_sealed:
        raise NoRows(f"{version.subject} is no sealed dataset; only those have rows.")
    if version.content is None:
        raise Erased(f"The content of {version.subject} was erased under a legal request; its digest stays.")
    if not content["files"]:
        raise NoRows(
            f"The rows of {version.subject} are held elsewhere ({content['source']}); only what is said about them is here."
        )
    return dict(content["files"][0])


def _plain(version: Version, entry: dict[str, Any]) -> AbstractContextManager[IO[bytes]]:
    if not copies.needs_copy(entry["path"]):
        return blobs.opened(entry["sha256"])
    copy = copies.copy_path(cache(), entry["sha256"])
    if not copy.exists():
        raise NotUnpacked(
            f"{entry['path']} cannot be paged through as it is. A scan of {version.subject} makes a copy that can, on a worker."
        )
    return copy.open("rb")


def _index(version: Version, entry: dict[str, Any]) -> Path | None:
    copy, index = copies.copy_path(cache(), entry["sha256"]), copies.index_path(cache(), entry["sha256"])
    if index.exists():
        return index
    size = copy.stat().st_size if copies.needs_copy(entry["path"]) else entry["size"]
    if size > paging.SMALL:
        raise NotUnpacked(
            f"{entry['path']} has no index yet. A scan of {version.subject} makes it, on a worker."
        )
    return None
