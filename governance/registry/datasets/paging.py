"""A few rows out of millions: an index of block offsets beside JSON Lines, and reading through it (pure).

An index is a file of pairs of little-endian 64-bit numbers (rows before the block, its first byte), in ascending order. A
page reads one block of some 256 KiB to find its first row, wherever that is.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from governance.registry.datasets.files import MAX_LINE, blocks

ENTRY = struct.Struct("<QQ")
SMALL = 2**20
"""Files up to this size need no index: they are read from their start."""
PAGE_BYTES = 4 * 2**20
"""Bytes of rows after which a page ends, however few rows it holds."""


class Line(NamedTuple):
    number: int
    """Number of the row, from 1."""
    data: bytes


def write_index(path: Path, index: Iterable[tuple[int, int]]) -> None:
    """Write an index whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(b"".join(ENTRY.pack(*entry) for entry in index))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def index_of(path: Path) -> list[tuple[int, int]]:
    """The index of a JSON Lines file, without parsing its rows. Raises BadData as `blocks` does."""
    index, rows = [], 0
    for block in blocks(path):
        index.append((rows, block.offset))
        rows += sum(1 for line in block.lines if line and not line.isspace())
    return index


def nearest(index: Path | None, row: int) -> tuple[int, int]:
    """(rows before it, offset) of the last block that begins at or before row `row` (from 0); the file's start without an index."""
    if index is None:
        return 0, 0
    with index.open("rb") as file:
        low, high = 0, index.stat().st_size // ENTRY.size
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _entry(file, middle)[0] <= row else (low, middle)
        return _entry(file, low)


def _entry(file: IO[bytes], place: int) -> tuple[int, int]:
    file.seek(place * ENTRY.size)
    rows, offset = ENTRY.unpack(file.read(ENTRY.size))
    return rows, offset


def read(stream: IO[bytes], index: Path | None, start: int, limit: int) -> list[Line]:
    """At most `limit` lines from row `start` (from 1) on; fewer where they come to more than `PAGE_BYTES`, but at least one."""
    before, offset = nearest(index, start - 1)
    stream.seek(offset)
    found: list[Line] = []
    size = 0
    for number, data in enumerate(_lines(stream), before + 1):
        if number < start:
            continue
        size += len(data)
        if found and size > PAGE_BYTES:
            break
        found.append(Line(number, data))
        if len(found) == limit:
            break
    return found


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(MAX_LINE + 1):
        if not line.isspace():
            yield line
