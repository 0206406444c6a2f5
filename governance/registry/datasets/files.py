"""A data file as a stream: what it is by its name and its first bytes, and never more of it in memory than one piece.

Limits are there because a few kilobytes of gzip can stand for terabytes: see `MAX_RATIO` and `MAX_UNPACKED`.
"""

import gzip
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, NamedTuple

from governance.registry.datasets.faults import BadData, place

Encoding = Literal["jsonl", "csv", "parquet"]

PIECE = 256 * 2**10
"""Bytes read at once."""
MAX_LINE = 16 * 2**20
"""Longest line, in bytes."""
MAX_UNPACKED = 64 * 2**30
"""Most bytes that a compressed file may hold."""
MAX_RATIO = 200
"""Most bytes that one compressed byte may stand for; text comes to 3 to 20."""
FREE = 64 * 2**20
"""Unpacked bytes up to which the ratio does not count: a small file of one repeated row is no attack."""

PARQUET = b"PAR1"
GZIP = b"\x1f\x8b"
STRANGE = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    GZIP: "compressed with gzip; give its name the ending .gz",
    PARQUET: "a Parquet file; give its name the ending .parquet",
    b"PARE": "an encrypted Parquet file; decrypt it first",
    b"\x80\x02": "a Python pickle, which can run code and is never read",
    b"\x80\x03": "a Python pickle, which can run code and is never read",
    b"\x80\x04": "a Python pickle, which can run code and is never read",
    b"\x80\x05": "a Python pickle, which can run code and is never read",
    b"BZh": "compressed with bzip2; unpack it, or compress it with gzip",
    b"\xfd7zXZ": "compressed with xz; unpack it, or compress it with gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstandard; unpack it, or compress it with gzip",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"ARROW1": "an Arrow file; write it as Parquet or JSON Lines",
    b"\xef\xbb\xbf": "text that begins with a byte order mark (BOM); save it as UTF-8 without one",
    b"\xff\xfe": "text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as UTF-8",
}
"""First bytes of what is often mistaken for rows → what to do."""


class Block(NamedTuple):
    """Whole lines of a file, some 256 KiB of them (more only where one line is longer)."""

    number: int
    """Number of its first line, from 1."""
    offset: int
    """Place of its first byte in the (unpacked) file."""
    data: bytes
    """The lines, a line break between two of them and none behind the last."""
    lines: list[bytes]


def is_packed(name: str) -> bool:
    return name.lower().endswith(".gz")


def encoding_of(name: str) -> Encoding:
    """How a file of that name is read: `.csv`, `.parquet`, anything else as JSON Lines; `.gz` around the first and the last."""
    inner = name.lower().removesuffix(".gz")
    if inner.endswith(".csv"):
        return "csv"
    return "parquet" if inner.endswith(".parquet") else "jsonl"


def check_file(path: Path) -> None:
    """Raise BadData unless `path` is a regular file whose first bytes are what its name says."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise BadData(f"{path.name} is a symbolic link; name the file that it leads to")
    if not stat.S_ISREG(mode):
        raise BadData(f"{path.name} is no file; a dataset is one file (.jsonl, .jsonl.gz, .csv or .parquet)")
    with path.open("rb") as file:
        head = file.read(8)
    if encoding_of(path.name) == "parquet":
        _check_parquet(path, head)
    elif is_packed(path.name):
        if head and not head.startswith(GZIP):
            raise BadData(f"{path.name} is no gzip file, although its name says so")
    else:
        check_head(head, path.name)


def _check_parquet(path: Path, head: bytes) -> None:
    if is_packed(path.name):
        raise BadData(
            f"{path.name} is Parquet inside gzip; Parquet is compressed already, so unpack it first"
        )
    if not head.startswith(PARQUET):
        raise BadData(f"{path.name} is no Parquet file, although its name says so{_instead(head)}")
    with path.open("rb") as file:
        file.seek(-4, 2)
        if file.read() != PARQUET:
            raise BadData(f"{path.name} is truncated: its last four bytes are not those of a Parquet file")


def check_head(head: bytes, name: str) -> None:
    """Raise BadData for first bytes that are no text in UTF-8 but something well known."""
    if found := _strange(head):
        raise BadData(f"{name} is {found}")


def _instead(head: bytes) -> str:
    found = _strange(head)
    return f": it is {found}" if found else ""


def _strange(head: bytes) -> str | None:
    return next((what for magic, what in STRANGE.items() if head.startswith(magic)), None)


def pieces(path: Path) -> Iterator[bytes]:
    """The file's bytes, unpacked, a piece at a time. Raises BadData for damaged gzip and for one that unpacks beyond the limits."""
    with _opened(path) as stream:
        total, limit = 0, _limit(path)
        while piece := _read(stream, path.name):
            if not total:
                check_head(piece[:8], path.name)
            total += len(piece)
            if total > limit:
                raise BadData(
                    f"{path.name} unpacks to more than {limit:,} bytes: at most {MAX_RATIO} times its size and "
                    f"{MAX_UNPACKED // 2**30} GiB are read. Unpack it yourself if you trust it"
                )
            yield piece


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if is_packed(path.name):
        with gzip.open(path, "rb") as packed:
            yield packed  # type: ignore[misc]
    else:
        with path.open("rb", buffering=0) as plain:
            yield plain


def _limit(path: Path) -> int:
    size = path.stat().st_size
    return min(MAX_UNPACKED, max(FREE, size * MAX_RATIO)) if is_packed(path.name) else sys.maxsize


def _read(stream: IO[bytes], name: str) -> bytes:
    try:
        return stream.read(PIECE)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadData(f"{name} is no intact gzip file: {str(error).rstrip('.')}") from error


def blocks(path: Path) -> Iterator[Block]:
    """The file's lines in blocks. Raises BadData as `pieces` does, and for a line longer than `MAX_LINE`."""
    number, offset = 1, 0
    rest: list[bytes] = []
    for piece in pieces(path):
        head, newline, tail = piece.rpartition(b"\n")
        if not newline:
            rest.append(piece)
            _check_length(sum(map(len, rest)), number, path.name)
            continue
        data = b"".join((*rest, head)) if rest else head
        lines = data.split(b"\n")
        _check_length(len(lines[0]), number, path.name)
        yield Block(number, offset, data, lines)
        number, offset, rest = number + len(lines), offset + len(data) + 1, [tail] if tail else []
    if rest:
        yield Block(number, offset, b"".join(rest), [b"".join(rest)])


def _check_length(length: int, number: int, name: str) -> None:
    if length > MAX_LINE:
        raise BadData(f"{place(number, name)} is longer than {MAX_LINE // 2**20} MiB")
