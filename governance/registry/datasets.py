"""Reading JSON Lines as a stream: every row parsed, counted and hashed, the first bad line named (no framework)."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import rfc8785

from governance.ledger.canonical import CanonicalError, canonical

MAX_LINE = 16 * 2**20
FORMATS: dict[str, tuple[str, ...]] = {
    "preference": ("prompt", "chosen", "rejected"),
    "messages": ("messages",),
    "prompt-completion": ("prompt", "completion"),
    "items": ("id", "prompt"),
    "text": ("text",),
}
"""Format → columns that each of its rows has, most demanding first (TRL's dataset formats)."""


class BadData(ValueError):
    """A file that is no dataset. The message names the line and the rule."""


class Inspection(NamedTuple):
    rows: int
    rows_digest: str
    format: str


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, row) of a JSON Lines file. Raises BadData naming the line, also for text that is not UTF-8."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise BadData(f"line {number} of {path.name} is longer than {MAX_LINE // 2**20} MiB")
            if line.strip():
                yield number, parse(line, number, path.name)


def parse(line: bytes, number: int, name: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode(), parse_constant=_no_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise BadData(f"line {number} of {name} is not UTF-8 (byte {error.start} of the line)") from error
    except json.JSONDecodeError as error:
        raise BadData(f"line {number} of {name} is not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise BadData(f"line {number} of {name}: {error or 'nested too deeply'}") from error
    if not isinstance(row, dict):
        raise BadData(f"line {number} of {name} is no JSON object")
    return row


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return row


def row_bytes(row: dict[str, Any]) -> bytes:
    """RFC 8785 bytes of a row. The restricted form is the same bytes where it applies, and faster."""
    try:
        return canonical(row)
    except CanonicalError:
        return rfc8785.dumps(row)


def inspect(path: Path, *, columns: dict[str, str] | None = None, format: str | None = None) -> Inspection:
    """Read the whole file once. `columns` maps a format's column to its name in the file. Raises BadData."""
    digest, count = hashlib.sha256(), 0
    found = format
    for number, row in rows_of(path):
        renamed = {**row, **{name: row[column] for name, column in (columns or {}).items() if column in row}}
        found = found or recognise(renamed, number, path.name)
        check_row(renamed, found, number, path.name)
        try:
            digest.update(hashlib.sha256(row_bytes(row)).digest())
        except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
            raise BadData(f"line {number} of {path.name} has no canonical form: {error}") from error
        count += 1
    if not count or found is None:
        raise BadData(f"{path.name} holds no rows")
    return Inspection(count, digest.hexdigest(), found)


def recognise(row: dict[str, Any], number: int, name: str) -> str:
    for found, needed in FORMATS.items():
        if all(column in row for column in needed):
            return found
    known = "; ".join(f"{found}: {', '.join(needed)}" for found, needed in FORMATS.items())
    raise BadData(
        f"line {number} of {name} has the columns {', '.join(sorted(row)) or '(none)'}, which is no known format ({known}). "
        "Name the columns with `columns:` in the metadata, such as {prompt: question, completion: answer}"
    )


def check_row(row: dict[str, Any], format: str, number: int, name: str) -> None:
    """Raise BadData unless `row` has the format's columns, with text or messages in them."""
    for column in FORMATS[format]:
        if column not in row:
            raise BadData(f"line {number} of {name} has no {column!r}, but the file's format is {format}")
        if column != "id" and not _is_text(row[column]):
            raise BadData(
                f"line {number} of {name}: {column!r} is neither text nor a list of messages with role and content"
            )


def _is_text(value: object) -> bool:
    if isinstance(value, str):
        return True
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(turn, dict)
            and isinstance(turn.get("role"), str)
            and isinstance(turn.get("content"), str)
            for turn in value
        )
    )
