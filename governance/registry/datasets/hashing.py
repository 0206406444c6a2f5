"""RFC 8785 bytes of rows: exactly, or quickly where a quick way is sure to give the same (pure).

The quick way is orjson with sorted keys. It writes what RFC 8785 writes as long as keys are ASCII (their order), whole
numbers lie within ±(2**53 - 1) (it refuses others), and fractions are written by the exact writer. Two things it hides:
a key that stands twice, of which it keeps the last, and NUL in texts. Both leave traces in the bytes, see `hides_nothing`.
"""

from typing import Any

import orjson
import rfc8785

from governance.ledger.keepable import unkeepable

SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
DEEPEST = 90
"""Nesting beyond which the exact way decides."""
LARGEST = 2**53 - 1
SCALARS = frozenset((str, int, bool, type(None)))

Row = dict[str, Any]


class _Odd(Exception):
    """Something that only the exact way may judge."""


def row_bytes(row: Row) -> bytes:
    """RFC 8785 bytes of a parsed row. Raises ValueError in words for NUL, lone surrogates, too large integers, deep nesting."""
    if fault := unkeepable(row):
        raise ValueError(f"it holds {fault}")
    return rfc8785.dumps(row)


def quick_bytes(row: Row) -> bytes | None:
    """The same bytes, fast, for a row as orjson parsed it; None where only `row_bytes` of the exact parser's row is sure.

    A row may hold NUL, or have had a key twice: the caller has looked at its text with `hides_nothing`.
    """
    try:
        return orjson.dumps(row if is_plain(row) else _with_fractions(row, 0), option=SORTED)
    except (_Odd, TypeError):
        return None


def hides_nothing(text: bytes, quotes: int) -> bool:
    r"""Whether no key stands twice in JSON texts and no text in them holds NUL. `quotes`: of the bytes written from them.

    Each string has as many quotation marks in the one as in the other, since none is written \u0022; a second key is
    missing in what was written, with at least its own two.
    """
    return text.count(b'"') == quotes and not (
        b"\\u00" in text and (b"\\u0000" in text or b"\\u0022" in text)
    )


def is_plain(value: Row | list[Any], depth: int = 0) -> bool:
    """Whether all keys are ASCII and all values texts, whole numbers, truths, null, lists and objects of such, not too deep."""
    if type(value) is dict:
        if not "".join(value).isascii():
            return False
        items: Any = value.values()
    else:
        items = value
    for item in items:
        kind = type(item)
        if kind is str or kind in SCALARS:
            continue
        if (kind is not dict and kind is not list) or depth > DEEPEST or not is_plain(item, depth + 1):
            return False
    return True


def _with_fractions(value: Any, depth: int) -> Any:
    """`value` with each fraction replaced by its exact text. Raises _Odd."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is float:
        return _fraction(value)
    if depth > DEEPEST or (kind is dict and not "".join(value).isascii()):
        raise _Odd
    if kind is dict:
        return {key: _with_fractions(item, depth + 1) for key, item in value.items()}
    return [_with_fractions(item, depth + 1) for item in value]


def _fraction(value: float) -> orjson.Fragment:
    # orjson reads integers of more than 64 bits as fractions; RFC 8785 has no form for them.
    if abs(value) > LARGEST and value.is_integer():
        raise _Odd
    return orjson.Fragment(rfc8785.dumps(value))
