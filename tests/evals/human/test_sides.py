"""Who stands first and who gets what: balanced, and the same again from the same seed."""

import hashlib
from collections import Counter

import pytest

from evals.human.sides import first_side, first_sides, next_item, shuffled


def test_the_order_is_that_of_hashes_that_anybody_can_compute():
    expected = sorted(range(9), key=lambda n: hashlib.sha256(f"7:side:{n}".encode()).digest())
    assert shuffled(range(9), 7, "side") == expected
    pairs = [("t", "x"), ("t", "y")]
    digests = {pair: hashlib.sha256(f"7:item:{pair[0]}\0{pair[1]}".encode()).digest() for pair in pairs}
    assert shuffled(pairs, 7, "item") == sorted(pairs, key=digests.__getitem__)


@pytest.mark.parametrize("items", [1, 2, 7, 100])
def test_each_side_is_first_for_half_of_the_items_and_they_take_turns(items):
    counts = Counter(first_sides(items, 7))
    assert abs(counts["a"] - counts["b"]) <= 1
    for item in range(items):
        turns = [first_side(items, 7, item, slot) for slot in range(4)]
        assert Counter(turns) == {"a": 2, "b": 2}
        assert turns[0] != turns[1]


def test_another_seed_is_another_order():
    assert first_sides(50, 1) != first_sides(50, 2)
    assert shuffled(range(50), 1, "item") != shuffled(range(50), 2, "item")


def test_the_item_with_the_fewest_ratings_is_next_in_an_order_of_the_raters_own():
    assert next_item({}, 7, 1) is None
    assert next_item({3: 1, 5: 0, 9: 2}, 7, 1) == 5
    equals = dict.fromkeys(range(40), 0)
    assert len({next_item(equals, 7, rater) for rater in range(1, 12)}) > 5
