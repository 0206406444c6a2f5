import json
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.ledger.canonical import MAX_INT, CanonicalError, canonical, loads, loads_canonical
from governance.ledger.decimals import decimal_text

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
KEYS = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_equals_rfc8785(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_reads_back(value):
    assert loads_canonical(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, {"b": 1.5}]}, r"\$\.a\[1\]\.b: float"),
        ({"a": float("nan")}, r"\$\.a"),
        ({"a": Decimal("1.5")}, r"\$\.a: Decimal"),
        ([2**53], r"\$\[0\]"),
        ([-(2**53)], r"\$\[0\]"),
        ({1: "a"}, "key 1"),
        ({"ä": 1}, "key 'ä'"),
        ({"a": "x\0"}, "NUL"),
        ({"a": "\ud800"}, "surrogate"),
        ({"a": (1, 2)}, "tuple"),
        ({"a": b"x"}, "bytes"),
    ],
)
def test_refuses_what_has_no_one_form(value, path):
    with pytest.raises(CanonicalError, match=path):
        canonical(value)


def test_refuses_deep_nesting():
    value: list = []
    for _ in range(200):
        value = [value]
    with pytest.raises(CanonicalError, match="nested deeper"):
        canonical(value)
    with pytest.raises(CanonicalError, match="nested"):
        loads("[" * 100_000 + "]" * 100_000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 2}', "twice"),
        ("NaN", "not JSON"),
        ("[Infinity]", "not JSON"),
        ('{"a": }', "line 1"),
        ("", "not JSON"),
        (b"\xff", "not UTF-8"),
        ("1" * 5000, "digit"),
    ],
)
def test_loads_is_strict(text, reason):
    with pytest.raises(CanonicalError, match=reason):
        loads(text)


def test_loads_keeps_decimals():
    assert loads('{"a": 1e-6, "b": 0.10}') == {"a": Decimal("0.000001"), "b": Decimal("0.10")}


@pytest.mark.parametrize("data", [b'{"a":1.0}', b'{ "a":1}', b'{"b":1,"a":1}', b'"\\u0041"', b"1e2"])
def test_loads_canonical_refuses_other_forms(data):
    with pytest.raises(CanonicalError):
        loads_canonical(data)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1E-6", "0.000001"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.500", "1.5"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("-2.50", "-2.5"),
    ],
)
def test_decimal_text(number, text):
    assert decimal_text(Decimal(number)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**50), max_value=10**50))
def test_decimal_text_loses_nothing(number):
    text = decimal_text(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert json.loads(text) is not None


def test_decimal_text_does_not_round_long_numbers():
    assert decimal_text(Decimal("1." + "123456789" * 8)) == "1." + "123456789" * 8


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1E+1000", "1E-1000"])
def test_decimal_text_refuses(number):
    with pytest.raises(CanonicalError):
        decimal_text(Decimal(number))
