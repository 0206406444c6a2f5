"""Alignment of two sequences: right, and in bounded time whatever they hold."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.views import matching
from governance.views.matching import alike, opcodes, rising

letters = st.lists(st.sampled_from("abcdefgh"), max_size=14)


def check(a, b) -> int:
    """The ranges cover both sides in order, and what they call equal is; returns how many items are equal."""
    at = other = equal = 0
    for tag, i, j, k, m in opcodes(a, b):
        assert (i, k) == (at, other)
        at, other = j, m
        if tag == "equal":
            assert a[i:j] == b[k:m]
            equal += j - i
    assert (at, other) == (len(a), len(b))
    return equal


@given(letters, letters)
def test_ranges_are_whole_and_true(a, b):
    check(a, b)


@given(letters, letters)
def test_ranges_are_whole_and_true_where_nothing_is_small(a, b):
    before, matching.SMALL = matching.SMALL, 0
    try:
        check(a, b)
    finally:
        matching.SMALL = before


def test_the_same_is_one_range():
    assert opcodes("same", "same") == [("equal", 0, 4, 0, 4)]
    assert opcodes("", "") == []


@given(st.lists(st.integers(0, 30), max_size=20))
def test_a_rising_series_rises_and_none_is_longer(numbers):
    found = [numbers[place] for place in rising(numbers)]
    assert found == sorted(set(found))
    longest = [1] * len(numbers)
    for here in range(len(numbers)):
        longest[here] += max((longest[n] for n in range(here) if numbers[n] < numbers[here]), default=0)
    assert len(found) == max(longest, default=0)


def bags(*lines: str) -> list[frozenset[str]]:
    return [frozenset(line.split()) for line in lines]


def test_lines_that_are_alike_find_each_other():
    old = bags("never lie to a user", "be kind", "stop")
    new = bags("something else", "never lie to any user", "quite new", "be very kind")
    assert alike(old, new, 0.4) == [(0, 1), (1, 3)]
    assert alike(old, [], 0.4) == alike([], new, 0.4) == alike(bags("a b c d"), bags("a x y z"), 0.4) == []


@given(
    st.lists(st.sampled_from(["a b", "a c", "b c", "d", ""]), max_size=7),
    st.lists(st.sampled_from(["a b", "a", "d e", ""]), max_size=7),
)
def test_lines_that_are_alike_keep_their_order_and_are_alike(old, new):
    one, two = bags(*old), bags(*new)
    found = alike(one, two, 0.4)
    for side in (0, 1):
        assert [pair[side] for pair in found] == sorted({pair[side] for pair in found})
    assert all(one[i] & two[k] for i, k in found)


HARD = {
    "4,000 equal lines": (["same"] * 4000, ["same"] * 3990),
    "equal lines between others": (["a", *["same"] * 4000, "b"], ["c", *["same"] * 3990, "d"]),
    "backwards": ([str(n) for n in range(4000)], [str(n) for n in reversed(range(4000))]),
    "two words only": ([str(n % 2) for n in range(4000)], [str(n % 3 % 2) for n in range(4000)]),
    "nothing in common": ([f"a{n}" for n in range(4000)], [f"b{n}" for n in range(4000)]),
    "many short stretches": (
        [str(n) if n % 190 == 0 else str(n * n % 7) for n in range(4000)],
        [str(n) if n % 190 == 0 else str(n * n % 5) for n in range(4000)],
    ),
}


@pytest.mark.parametrize("name", HARD)
def test_what_is_hard_for_others_ends(name):
    a, b = HARD[name]
    begun = time.process_time()
    check(a, b)
    # No benchmark: a quadratic answer would take minutes.
    assert time.process_time() - begun < 20
