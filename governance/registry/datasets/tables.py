"""CSV as rows of text: a header, quoted cells that may hold line breaks, and every ragged row named (pure)."""

import csv
from collections.abc import Iterator
from pathlib import Path

from governance.registry.datasets.faults import BadData, place
from governance.registry.datasets.files import MAX_LINE, blocks

MAX_COLUMNS = 1000


def rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(number of its first line, row) of a CSV file in UTF-8 with commas; each cell is text. Raises BadData naming the line."""
    lines = _Lines(path)
    cells = _cells(csv.reader(lines, strict=True), lines)
    number, header = next(cells, (1, []))
    _check_header(header, number, path.name)
    for number, row in cells:
        if len(row) != len(header):
            raise BadData(
                f"{place(number, path.name)} has {len(row)} cells, and the header names {len(header)} columns"
            )
        yield number, dict(zip(header, row, strict=True))


def _cells(reader: Iterator[list[str]], lines: "_Lines") -> Iterator[tuple[int, list[str]]]:
    # The module's own limit on a cell is one for the whole process, and too small for a long conversation.
    csv.field_size_limit(2 * MAX_LINE)
    while True:
        lines.begin_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadData(f"{place(lines.number, lines.name)} is no CSV: {error}") from error
        if row:
            yield lines.first, row


def _check_header(header: list[str], number: int, name: str) -> None:
    if not header:
        raise BadData(f"{name} holds no rows")
    if len(header) > MAX_COLUMNS:
        raise BadData(f"{name} has {len(header)} columns, and at most {MAX_COLUMNS} are read")
    if twice := sorted({column for column in header if header.count(column) > 1}):
        raise BadData(f"{place(number, name)}: the header names {twice[0]!r} twice")
    if "" in header:
        raise BadData(f"{place(number, name)}: the header leaves a column without a name")


class _Lines:
    """The file's lines as text, counted; a row that goes on over more than `MAX_LINE` bytes is refused."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.number = 0
        self._lines = (line for block in blocks(path) for line in block.lines)
        self.begin_row()

    def begin_row(self) -> None:
        self.first, self._size = self.number + 1, 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self._size += len(line) + 1
        if self._size > MAX_LINE:
            raise BadData(
                f"the row that begins on {place(self.first, self.name)} is longer than {MAX_LINE // 2**20} MiB; "
                "is a quotation mark missing?"
            )
        return self._text(line)

    def _text(self, line: bytes) -> str:
        if b"\0" in line:
            raise BadData(f"{place(self.number, self.name)} holds a NUL character")
        try:
            return line.decode() + "\n"
        except UnicodeDecodeError as error:
            raise BadData(
                f"{place(self.number, self.name)} is not UTF-8 (byte {error.start} of the line)"
            ) from error
