"""What is derived from a data file so that its rows can be looked at: an index, and for all but plain JSON Lines a copy.

Both lie in a cache folder under the SHA-256 of the file; they can be made again and are never recorded (pure).
"""

import os
from pathlib import Path

import orjson

from governance.registry.datasets import parquet_child, tables
from governance.registry.datasets.files import check_file, encoding_of, is_packed, pieces
from governance.registry.datasets.paging import SMALL, index_of, write_index


def derived_path(cache: Path, sha256: str, what: str) -> Path:
    """Where lies what is derived from the file with that hash. It goes when the file is erased."""
    return cache / "rows" / sha256[:2] / f"{sha256}.{what}"


def derived(cache: Path, sha256: str) -> list[Path]:
    """All that is derived from the file with that hash."""
    return sorted((cache / "rows" / sha256[:2]).glob(f"{sha256}.*"))


def index_path(cache: Path, sha256: str) -> Path:
    return derived_path(cache, sha256, "index")


def copy_path(cache: Path, sha256: str) -> Path:
    return derived_path(cache, sha256, "jsonl")


def needs_copy(name: str) -> bool:
    """Whether rows of a file of that name can only be looked at in a copy as plain JSON Lines."""
    return is_packed(name) or encoding_of(name) != "jsonl"


def make(cache: Path, path: Path, sha256: str) -> Path:
    """Make whatever is missing for the file at `path`, which has that hash; returns plain JSON Lines. Raises BadData, OSError."""
    check_file(path)
    source, index = path, index_path(cache, sha256)
    if needs_copy(path.name):
        source = copy_path(cache, sha256)
        if not source.exists():
            _copy(path, source)
    if source.stat().st_size > SMALL and not index.exists():
        write_index(index, index_of(source))
    return source


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        _write(path, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _write(path: Path, target: Path) -> None:
    encoding = encoding_of(path.name)
    if encoding == "parquet":
        parquet_child.unpack(path, target)
        return
    with target.open("wb") as out:
        if encoding == "jsonl":
            out.writelines(pieces(path))
        else:
            out.writelines(orjson.dumps(row) + b"\n" for _, row in tables.rows(path))
