"""Forms of personal data: what is found, what only looks like it, and that the quick sign misses nothing."""

import re

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.runner import personal
from training.runner.personal import FINDERS

FOUND = {
    "email": {
        "ada@analytical-engine.co.uk": 1,
        "Mail a.b+c@x-y.org, or d_e%f@gmail.com.": 2,
        "jürgen@müller.de": 0,
        "someone@example.com and me@test.invalid": 0,
        "a@b and @name and x@.com": 0,
        "user@host.example": 0,
    },
    "phone": {
        "+49 30 1234567": 1,
        "call (212) 555-0100 or 212-555-0123": 2,
        "+1 (415) 555 2671": 1,
        "030 1234567": 1,
        "0170/1234567": 1,
        "2024-01-31 and 31/01/2024": 0,
        "192.168.1.1": 0,
        "version 1.2.3.4.5 of 2019": 0,
        "order 4711 0815": 0,
    },
    "iban": {
        "DE89 3704 0044 0532 0130 00": 1,
        "GB82WEST12345698765432": 1,
        "DE89 3704 0044 0532 0130 01": 0,
        "AB12": 0,
    },
    "credit_card": {
        "4111 1111 1111 1111": 1,
        "5500-0000-0000-0004": 1,
        "340000000000009": 1,
        "4111 1111 1111 1112": 0,
        "0000 0000 0000 0000": 0,
        "1234567890123456": 0,
    },
    "ip_address": {
        "from 8.8.8.8 to 1.1.1.1": 2,
        "2001:4860:4860::8888 or 2606:4700:4700:0:0:0:0:1111": 2,
        "127.0.0.1, 10.0.0.1, 192.168.0.1 and 192.0.2.1": 0,
        "999.1.1.1 and 1.2.3.4.5": 0,
        "::1 and fe80::1": 0,
        "at 12:30:45": 0,
    },
    "us_ssn": {
        "078-05-1120": 1,
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000": 0,
        "1078-05-1120": 0,
    },
}
CASES = [(name, text, count) for name, texts in FOUND.items() for text, count in texts.items()]


@pytest.mark.parametrize(("name", "text", "count"), CASES)
def test_what_is_one_and_what_is_none(name, text, count):
    assert FINDERS[name].count(text) == count
    assert FINDERS[name].count(f"So: {text}, he said.") == count


def signed(name: str, text: str) -> bool:
    return polars.Series([text]).str.contains(FINDERS[name].sign)[0]


PARTS = st.sampled_from(
    [
        *(text for texts in FOUND.values() for text in texts),
        " ",
        "-",
        ":",
        ".",
        "1",
        "a",
        "@",
        "+",
        "(",
        "0",
        "(0)",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=8).map("".join) | st.text(max_size=60))
def test_a_text_without_the_sign_holds_none(text):
    for name, finder in FINDERS.items():
        if finder.count(text):
            assert signed(name, text), name


def unbounded(parsed) -> bool:
    """Whether a parsed regular expression repeats anything without a bound."""
    for operator, argument in parsed:
        if operator in REPEATS and argument[1] == re._constants.MAXREPEAT:
            return True
        parts = argument if isinstance(argument, tuple | list) else [argument]
        inner = [part for one in parts for part in (one if isinstance(one, list) else [one])]
        if any(unbounded(part) for part in inner if isinstance(part, re._parser.SubPattern)):
            return True
    return False


REPEATS = (re._constants.MAX_REPEAT, re._constants.MIN_REPEAT)


def test_no_pattern_repeats_without_a_bound():
    assert unbounded(re._parser.parse(r"(?:a|(?!b*)c)"))
    patterns = [found for found in vars(personal).values() if isinstance(found, re.Pattern)]
    assert len(patterns) == 8
    assert not [
        found.pattern for found in patterns if unbounded(re._parser.parse(found.pattern, found.flags))
    ]
