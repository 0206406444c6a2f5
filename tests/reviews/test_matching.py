"""As many seats as can be filled are filled, nobody sits twice, and who is welcome is told exactly."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from governance.reviews.matching import matched, welcome

NAMES = ["reviewer", "red-teamer", "third"]
some = st.frozensets(st.sampled_from(NAMES), min_size=1)
places_of = st.lists(some, min_size=1, max_size=4)
people_of = st.lists(st.frozensets(st.sampled_from(NAMES)), max_size=5).map(
    lambda found: {f"p{number}": groups for number, groups in enumerate(found)}
)


def most(places, people) -> int:
    """By trying every way to sit."""
    ways = permutations([*people, *[None] * len(places)], len(places))
    return max(
        sum(who is not None and bool(places[n] & people[who]) for n, who in enumerate(way)) for way in ways
    )


@given(places=places_of, people=people_of)
def test_the_most_seats_are_filled_and_nobody_sits_twice(places, people):
    filled = matched(places, people)
    assert all(places[place] & people[who] for place, who in filled.items())
    assert len(set(filled.values())) == len(filled) == most(places, people)


@given(places=places_of, people=people_of, group=st.sampled_from(NAMES))
def test_who_is_welcome_is_who_would_fill_one_more(places, people, group):
    filled = matched(places, people)
    told = any(group in groups for groups in welcome(places, people, filled).values())
    assert told == (len(matched(places, {**people, "new": frozenset({group})})) > len(filled))


def test_a_reviewer_moves_for_a_red_teamer():
    reviewer, either = frozenset({"reviewer"}), frozenset({"reviewer", "red-teamer"})
    first = matched([either, reviewer], {"ravi": reviewer})
    assert first == {1: "ravi"}
    assert welcome([either, reviewer], {"ravi": reviewer}, first) == {0: either}
    moved = matched(
        [either, frozenset({"reviewer", "third"})],
        {"bo": frozenset({"reviewer"}), "rhea": frozenset({"third"})},
    )
    assert moved == {0: "bo", 1: "rhea"}
