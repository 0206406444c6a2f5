"""The quick way to a row's canonical bytes gives what RFC 8785 gives, or stands aside."""

import hashlib
import json
import random

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.registry import datasets
from governance.registry.datasets import hashing

NUMBERS = (
    st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.0, -0.0, 1.0, 1e16, 1e21, 5e-324, 1.7976931348623157e308, 1e-7, 123456789.125])
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
KEYS = st.text(st.characters(max_codepoint=126, exclude_characters="\0")) | TEXTS
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ROWS = st.dictionaries(KEYS, VALUES, max_size=5)
WRITTEN = [
    {"ensure_ascii": True},
    {"ensure_ascii": False},
    {"ensure_ascii": False, "separators": (" , ", " : ")},
    {"ensure_ascii": True, "separators": (",", ":")},
]


def quick(text: bytes) -> bytes | None:
    """What a reader of one line would take for its canonical bytes without looking closely; None where it looks closely."""
    try:
        found = hashing.quick_bytes(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None
    return found if found is not None and hashing.hides_nothing(text, found.count(b'"')) else None


@settings(max_examples=400, deadline=None)
@given(ROWS, st.sampled_from(WRITTEN))
def test_it_is_rfc_8785_however_the_row_was_written(row, style):
    text = json.dumps(row, **style).encode()
    expected = rfc8785.dumps(json.loads(text))
    assert quick(text) in (expected, None)
    assert hashing.row_bytes(json.loads(text)) == expected


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abcxyz_", min_size=1), TEXTS | st.integers(-1000, 1000), max_size=5))
def test_it_is_taken_for_ordinary_rows(row):
    text = json.dumps(row, ensure_ascii=False).encode()
    assert quick(text) == rfc8785.dumps(row)


@settings(max_examples=200, deadline=None)
@given(ROWS, st.sampled_from(WRITTEN), st.data())
def test_a_key_that_stands_twice_is_always_noticed(row, style, data):
    """Written by hand, with as many quotation marks as people like in escapes."""
    key = data.draw(KEYS)
    noise = data.draw(st.sampled_from(['"\\u0022\\u0022"', '"\\u0022"', "1", '"a"', '"\\""', '{"a": 1}']))
    pair = f"{json.dumps(key)}: {noise}"
    inner = json.dumps(row, **style)[1:-1]
    text = "{" + ", ".join(part for part in (pair, inner, pair) if part) + "}"
    assert quick(text.encode()) is None
    with pytest.raises(datasets.BadData, match="stands twice"):
        datasets.parse(text.encode(), 1, "rows.jsonl")


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": "\\u0000"}', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e400}', b'{"a": 9007199254740992}',
        b'{"a": 18446744073709551616}', b'{"a": "\\ud800"}', b'{"\xc3\xa9": 1}', b'{"a": "\xff"}', b'{"a": 1} x',
        b'{"a": ' + b"[" * 95 + b"]" * 95 + b"}",
    ],
    ids=["nul", "nan", "infinity", "overflow", "2-53", "2-64", "surrogate", "key", "utf-8", "garbage", "deep"],
)  # fmt: skip
def test_what_is_not_sure_is_left_to_the_exact_way(text):
    assert quick(text) is None


def test_the_digest_of_a_file_is_that_of_its_rows_whatever_way_they_took(tmp_path):
    rng = random.Random(7)
    rows = [{"text": f"row {number} é", "score": rng.choice([1, 0.5, 1e-9, None])} for number in range(3000)]
    rows[1500]["é"] = {"ü": 1}
    rows[1501]["deep"] = json.loads("[" * 95 + "]" * 95)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    exact = hashlib.sha256(b"".join(hashlib.sha256(rfc8785.dumps(row)).digest() for row in rows))
    found = datasets.inspect(path)
    assert (found.rows, found.rows_digest) == (3000, exact.hexdigest())
