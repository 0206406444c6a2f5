"""The one byte form of recorded data: RFC 8785 restricted to what every language writes alike.

Keys are ASCII, numbers are integers below 2**53, fractions are decimals written as strings. On that subset
the standard library's sorted, compact JSON is RFC 8785; everything outside it is refused first.
"""

import hashlib
import json
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_DEPTH = 100
MAX_INT = 2**53 - 1


class CanonicalError(ValueError):
    """A value that has no canonical form; the message names where it stands and why."""


def canonical(value: Any) -> bytes:
    """The canonical bytes of `value` (dict, list, str, int, bool or None, nested).

    Raises CanonicalError, naming the path, for anything else: floats, integers of 2**53 and beyond, keys that
    are not ASCII strings, NUL or lone surrogates in text, nesting deeper than 100.
    """
    _check(value, "$", 0)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def loads(data: str | bytes) -> Any:
    """Parse strict JSON: fractions become Decimal, duplicate keys, NaN and Infinity are refused.

    `data` is text or UTF-8 bytes. Raises CanonicalError with the line and the rule.
    """
    try:
        text = data.decode() if isinstance(data, bytes) else data
        return json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys
        )
    except UnicodeDecodeError as error:
        raise CanonicalError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise CanonicalError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise CanonicalError("not readable: nested too deeply") from error
    except InvalidOperation as error:
        raise CanonicalError("not readable: a number's exponent is out of range") from error
    except ValueError as error:
        raise CanonicalError(str(error)) from error


def loads_canonical(data: bytes) -> Any:
    """Parse `data` and refuse it (CanonicalError) unless it is the canonical form of what it says."""
    value = loads(data)
    if canonical(value) != data:
        raise CanonicalError("the bytes are not in canonical form")
    return value


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data` as 64 lowercase hex digits."""
    return hashlib.sha256(data).hexdigest()


def _check(value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise CanonicalError(f"{path}: nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, int):
        if abs(value) > MAX_INT:
            raise CanonicalError(f"{path}: {value} is outside ±(2**53 - 1); write it as a string")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_key(key, path)
            _check(item, f"{path}.{key}", depth + 1)
    else:
        raise CanonicalError(
            f"{path}: {type(value).__name__} has no canonical form; write fractions as decimal strings"
        )


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise CanonicalError(f"{path}: the text contains NUL")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise CanonicalError(f"{path}: the text contains a lone surrogate")


def _check_key(key: Any, path: str) -> None:
    if not isinstance(key, str) or not key.isascii():
        raise CanonicalError(f"{path}: the key {key!r} is not an ASCII string")
    _check_text(key, path)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise CanonicalError(f"the key {key!r} appears twice in one object")
        result[key] = value
    return result


def _refuse_constant(name: str) -> None:
    raise CanonicalError(f"{name} is not JSON")
