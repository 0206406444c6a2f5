"""`python -m governance.registry.datasets.parquet IN OUT`: the rows of a Parquet file as JSON Lines, batch by batch.

Lists and structures become lists and objects. Text, booleans and numbers stay what they are; a column of any other type
(times, binary, decimals, maps) is refused by name, since JSON has no one form for it. Exit code 1: the file is refused,
3: the disk is full or the file is gone; standard error says why.
"""

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet, types

from governance.registry.datasets.files import FREE, MAX_LINE, MAX_RATIO, MAX_UNPACKED

BATCH = 256
"""Rows that are in memory at once."""
MEMORY = 4 * 2**30
"""Bytes of memory that the process may take: repeated values unpack without end."""
PLAIN = (
    types.is_string, types.is_large_string, types.is_string_view, types.is_boolean, types.is_integer, types.is_floating, types.is_null,
)  # fmt: skip
LISTS = (types.is_list, types.is_large_list, types.is_fixed_size_list)


class Refused(ValueError):
    """The file cannot be read as rows; the message names the column or the row."""


def main(arguments: list[str]) -> int:
    source, target = map(Path, arguments)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    try:
        write(source, target)
    except Refused as error:
        return _say(f"{source.name}{error}", 1)
    except (pyarrow.ArrowException, UnicodeDecodeError, RecursionError) as error:
        return _say(f"{source.name} is no intact Parquet file: {' '.join(str(error).split())}", 1)
    except MemoryError:
        return _say(
            f"{source.name} needs more than {MEMORY // 2**30} GiB of memory; write smaller row groups", 1
        )
    except OSError as error:
        # pyarrow reports what is wrong with the bytes as an OSError without a number.
        what = "is no intact Parquet file: " if error.errno is None else ""
        return _say(f"{source.name} {what}{' '.join(str(error).split())}", 1 if what else 3)
    return 0


def write(source: Path, target: Path) -> None:
    """Raises Refused, ArrowException, OSError, MemoryError."""
    with parquet.ParquetFile(source) as file, target.open("wb") as out:
        _check_schema(file.schema_arrow)
        limit = min(MAX_UNPACKED, max(FREE, source.stat().st_size * MAX_RATIO))
        for number, line in enumerate(_lines(file), 1):
            if len(line) > MAX_LINE:
                raise Refused(f": row {number} is longer than {MAX_LINE // 2**20} MiB")
            limit -= len(line)
            if limit < 0:
                raise Refused(
                    f" unpacks to more than {MAX_RATIO} times its size, or {MAX_UNPACKED // 2**30} GiB"
                )
            out.write(line)


def _check_schema(schema: Any) -> None:
    names = schema.names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f" has two columns with the name {twice[0]!r}")
    for field in schema:
        _check_type(field.type, field.name)


def _check_type(kind: Any, path: str) -> None:
    if types.is_dictionary(kind):
        _check_type(kind.value_type, path)
    elif any(test(kind) for test in LISTS):
        _check_type(kind.value_type, f"{path}[]")
    elif types.is_struct(kind):
        for field in kind:
            _check_type(field.type, f"{path}.{field.name}")
    elif not any(test(kind) for test in PLAIN):
        raise Refused(
            f": the column {path} is of type {kind}, which JSON has no one form for; write it as text or numbers"
        )


def _lines(file: Any) -> Iterator[bytes]:
    for number, row in enumerate(_rows(file), 1):
        try:
            yield json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        except ValueError as error:
            raise Refused(f": row {number} holds NaN or an infinity, which is not JSON") from error


def _rows(file: Any) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(batch_size=BATCH):
        yield from batch.to_pylist()


def _say(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
