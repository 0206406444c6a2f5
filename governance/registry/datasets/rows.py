"""Rows one after the other, from whatever encoding the file has; the first bad line is named (pure)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from governance.registry.datasets import parquet_child, tables
from governance.registry.datasets.faults import BadData, place
from governance.registry.datasets.files import blocks, check_file, encoding_of

Row = dict[str, Any]


def rows_of(path: Path) -> Iterator[tuple[int, Row]]:
    """(line number, row) of a JSON Lines, CSV or Parquet file (Parquet: row number). Raises BadData naming the line."""
    check_file(path)
    encoding = encoding_of(path.name)
    if encoding == "csv":
        yield from tables.rows(path)
    elif encoding == "jsonl":
        yield from _parsed(path, path.name)
    else:
        with parquet_child.unpacked(path) as lines:
            yield from _parsed(lines, path.name)


def _parsed(path: Path, name: str) -> Iterator[tuple[int, Row]]:
    for block in blocks(path):
        for number, line in enumerate(block.lines, block.number):
            if line and not line.isspace():
                yield number, parse(line, number, name)


def parse(line: bytes, number: int, name: str) -> Row:
    """One line of JSON Lines as a row. Raises BadData for anything but one JSON object with unique keys and finite numbers."""
    try:
        row = json.loads(line.decode(), parse_constant=_no_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise BadData(f"{place(number, name)} is not UTF-8 (byte {error.start} of the line)") from error
    except json.JSONDecodeError as error:
        raise BadData(f"{place(number, name)} is not JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise BadData(f"{place(number, name)} is nested too deeply") from error
    except ValueError as error:
        raise BadData(f"{place(number, name)}: {error}") from error
    if not isinstance(row, dict):
        raise BadData(f"{place(number, name)} is no JSON object; JSON Lines has one object on each line")
    return row


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in row if keys.count(key) > 1)
        raise ValueError(f"a key stands twice in one object: {twice!r}")
    return row
