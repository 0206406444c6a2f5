"""Reading a whole file once: every row parsed, checked and hashed, counted, and its place noted (pure)."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from governance.registry.datasets import parquet_child, tables
from governance.registry.datasets.faults import BadData, place
from governance.registry.datasets.files import Block, blocks, check_file, encoding_of
from governance.registry.datasets.formats import FORMATS, check_columns, check_values, recognise
from governance.registry.datasets.hashing import hides_nothing, quick_bytes, row_bytes
from governance.registry.datasets.rows import parse

MOST_SHAPES = 1000
"""Sets of columns that are remembered as seen."""

Row = dict[str, Any]


class Inspection(NamedTuple):
    rows: int
    rows_digest: str
    """SHA-256 over the concatenated SHA-256 of each row's RFC 8785 bytes, in file order."""
    format: str
    conversational: bool
    """Whether prompts and answers are lists of messages."""
    offsets: list[tuple[int, int]]
    """(rows before it, its first byte in the unpacked JSON Lines) of blocks of some 256 KiB; empty for CSV."""


def inspect(path: Path, *, columns: dict[str, str] | None = None, format: str | None = None) -> Inspection:
    """Read the whole file once. `columns` maps a format's column to its name in the file. Raises BadData."""
    check_file(path)
    reading = _Reading(path.name, columns or {}, format)
    encoding = encoding_of(path.name)
    if encoding == "csv":
        for number, row in tables.rows(path):
            reading.one(row, number)
    elif encoding == "jsonl":
        reading.lines(blocks(path))
    else:
        with parquet_child.unpacked(path) as lines:
            reading.lines(blocks(lines))
    return reading.result()


def renamed(row: Row, columns: Mapping[str, str]) -> Row:
    """The row with the format's names for its columns beside its own. `columns`: name of the format → name in the file."""
    return {**row, **{name: row[given] for name, given in columns.items() if given in row}}


class _Reading:
    def __init__(self, name: str, columns: dict[str, str], format: str | None) -> None:
        self.name, self.columns, self.format = name, columns, format
        self.is_given = format is not None
        self.conversational: bool | None = None
        self.digest, self.rows = hashlib.sha256(), 0
        self.offsets: list[tuple[int, int]] = []
        self.shapes: set[tuple[str, ...]] = set()

    def result(self) -> Inspection:
        if not self.rows or self.format is None:
            raise BadData(f"{self.name} holds no rows")
        return Inspection(
            self.rows, self.digest.hexdigest(), self.format, bool(self.conversational), self.offsets
        )

    def lines(self, found: Iterator[Block]) -> None:
        for block in found:
            self.offsets.append((self.rows, block.offset))
            digests = self._quickly(block)
            if digests is None:
                digests = list(self._exactly(block))
            self.digest.update(b"".join(digests))
            self.rows += len(digests)

    def one(self, row: Row, number: int) -> None:
        """Take in a row of texts alone."""
        self._check(row, number)
        self.digest.update(hashlib.sha256(quick_bytes(row) or self._bytes(row, number)).digest())
        self.rows += 1

    def _quickly(self, block: Block) -> list[bytes] | None:
        """SHA-256 of each row, or None where one must be looked at closely, be it only to say what is wrong with it."""
        digests, quotes = [], 0
        try:
            for line in filter(None, block.lines):
                row = orjson.loads(line)
                self._check(row, 0)
                found = quick_bytes(row)
                if found is None:
                    return None
                quotes += found.count(b'"')
                digests.append(hashlib.sha256(found).digest())
        except (orjson.JSONDecodeError, BadData, TypeError, AttributeError):
            return None
        return digests if hides_nothing(block.data, quotes) else None

    def _exactly(self, block: Block) -> Iterator[bytes]:
        for number, line in enumerate(block.lines, block.number):
            if line and not line.isspace():
                row = parse(line, number, self.name)
                self._check(row, number)
                yield hashlib.sha256(self._bytes(row, number)).digest()

    def _bytes(self, row: Row, number: int) -> bytes:
        try:
            return row_bytes(row)
        except (ValueError, RecursionError) as error:
            raise BadData(f"{place(number, self.name)} has no canonical form: {error}") from error

    def _check(self, row: Row, number: int) -> None:
        """Raise BadData unless the row is of the file's format, and in the same form as the rows before."""
        named = renamed(row, self.columns) if self.columns else row
        shape = tuple(named)
        if shape not in self.shapes:
            self._recognise(named, shape, number)
        assert self.format is not None  # noqa: S101 -- for the type checker: the first row has set it
        conversational = check_values(named, self.format, number, self.name)
        if conversational is not self.conversational:
            self._take_form(conversational, number)

    def _recognise(self, row: Row, shape: tuple[str, ...], number: int) -> None:
        self.format = self.format or recognise(row, number, self.name)
        check_columns(row, self.format, number, self.name)
        found = self.format if self.is_given else recognise(row, number, self.name)
        if found != self.format:
            raise BadData(
                f"{place(number, self.name)} has the columns of the format {found} ({', '.join(FORMATS[found])}), "
                f"and the rows before it those of {self.format}; a file holds one format"
            )
        if len(self.shapes) < MOST_SHAPES:
            self.shapes.add(shape)

    def _take_form(self, conversational: bool, number: int) -> None:
        if self.conversational is not None:
            words = {True: "conversations", False: "text"}
            raise BadData(
                f"{place(number, self.name)} holds {words[conversational]}, and the rows before it hold "
                f"{words[self.conversational]}; a file holds one of them"
            )
        self.conversational = conversational
