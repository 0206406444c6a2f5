"""The figures of a study against values that were computed in another way."""

import itertools
import math
import random

import pytest

from evals.human.figures import Answer, figures, item_means, win_interval, wins
from evals.statistics.agreement import NoVariation
from evals.statistics.group_agreement import between_interval, group_agreement

Z = 1.959963984540054


def answer(
    item: int, rater: int, prefers: str, *, group: str = "", first: str = "a", reason: str = ""
) -> Answer:
    choice = {first: "first", "b" if first == "a" else "a": "second"}.get(prefers, prefers)
    return Answer(item, f"r{rater}", group, first, choice, reason)


def wilson_by_hand(p: float, n: int) -> tuple[float, float]:
    """The two roots of (p - x)² = z²x(1 - x)/n, from which Wilson's interval comes."""
    a, b, c = 1 + Z * Z / n, -(2 * p + Z * Z / n), p * p
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def alpha_by_hand(units: list[list[str]]) -> float:
    """Nominal alpha over all ordered pairs, written out."""
    kept = [unit for unit in units if len(unit) > 1]
    values = [value for unit in kept for value in unit]
    observed = sum(
        sum(x != y for x, y in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in kept
    ) / len(values)
    pairs = list(itertools.permutations(values, 2))
    return 1 - observed / (sum(x != y for x, y in pairs) / len(pairs))


def test_a_choice_is_turned_back_into_the_side_that_stood_there():
    assert [answer(0, 1, "b", first=side).choice for side in "ab"] == ["second", "first"]
    assert [answer(0, 1, "b", first=side).prefers for side in "ab"] == ["b", "b"]
    assert [Answer(0, "r1", "", "b", choice).prefers for choice in ("tie", "both_bad", "skip")] == [
        "tie", "both_bad", "skip",
    ]  # fmt: skip


def test_raters_are_averaged_inside_an_item_and_ties_are_split_or_left_out():
    answers = [
        answer(0, 1, "a"),
        answer(0, 2, "tie"),
        answer(1, 1, "b"),
        answer(2, 1, "both_bad"),
        answer(3, 1, "a"),
    ]
    assert item_means(answers, {"a": 1, "b": 0, "tie": 0.5, "both_bad": 0.5}) == [0.75, 0, 0.5, 1]
    assert item_means(answers, {"a": 1, "b": 0}) == [1, 0, 1]


def test_wins_of_one_rater_without_ties_have_wilsons_interval():
    answers = [answer(item, 1, "a" if item < 60 else "b") for item in range(100)]
    found = wins(answers, margin=0.1, seed=7)
    low, high = wilson_by_hand(0.6, 100)
    assert found["a"]["win_rate"] == "0.6"
    assert float(found["a"]["ci_low"]) == pytest.approx(low, abs=1e-6)
    assert float(found["a"]["ci_high"]) == pytest.approx(high, abs=1e-6)
    assert float(found["b"]["ci_low"]) == pytest.approx(1 - high, abs=1e-6)
    assert (found["method"], found["a"]["without_ties"], found["b"]["win_rate"]) == ("wilson", "0.6", "0.4")
    assert (found["a"]["direction"], found["b"]["direction"]) == ("preferred", "not preferred")


def test_wins_of_several_raters_have_the_interval_over_items():
    shares = [1, 1, 0.5, 0] * 40
    answers = [
        answer(item, rater, "tie" if share == 0.5 else "a" if share else "b")
        for item, share in enumerate(shares)
        for rater in (1, 2, 3)
    ]
    found = wins(answers, margin=0.1, seed=7)
    mean = sum(shares) / len(shares)
    sd = math.sqrt(sum((share - mean) ** 2 for share in shares) / (len(shares) - 1))
    assert found["method"] == "normal"
    assert float(found["a"]["ci_low"]) == pytest.approx(mean - Z * sd / math.sqrt(160), abs=1e-6)
    assert float(found["a"]["without_ties"]) == pytest.approx(80 / 120, abs=1e-6)
    assert found["decided_items"] == 120


def test_raters_of_one_item_never_make_the_interval_narrower_than_their_item():
    one = [answer(item, 1, "a" if item % 2 else "b") for item in range(40)]
    ten = [answer(item, rater, "a" if item % 2 else "b") for item in range(40) for rater in range(10)]
    assert wins(one, margin=0.1, seed=7)["a"] == wins(ten, margin=0.1, seed=7)["a"]


def test_ties_alone_do_not_make_the_interval_a_point():
    found = win_interval([0.5] * 20, 7)
    assert (found.lower, found.upper) == pytest.approx(wilson_by_hand(0.5, 20))
    told = wins([answer(item, 1, "tie") for item in range(20)], margin=0.1, seed=7)
    assert "without_ties" not in told["a"]
    assert told["a"]["direction"] == "undecided"


def test_few_items_are_undecided_whatever_they_say():
    few = wins([answer(item, 1, "a") for item in range(20)], margin=0.1, seed=7)
    least = math.floor(Z * Z * 0.9 / 0.1) + 1
    assert (few["n_least"], few["a"]["direction"], few["a"]["size"]) == (least, "undecided", "undecided")
    needed = math.ceil((Z + 0.8416212335729143) ** 2 * 0.25 / 0.01)
    assert few["n_needed"] == needed
    enough = wins([answer(item, 1, "a") for item in range(least)], margin=0.1, seed=7)
    assert (enough["a"]["direction"], enough["a"]["size"]) == ("preferred", "non-inferior")
    assert (enough["b"]["direction"], enough["b"]["size"]) == ("not preferred", "inferior")


def mixed(seed: int, items: int = 60) -> list[Answer]:
    source = random.Random(seed)
    return [
        answer(item, rater, source.choices(("a", "b", "tie", "both_bad"), (5, 2, 2, 1))[0],
               group="DE" if rater < 3 else "KE", first=source.choice("ab"))
        for item in range(items)
        for rater in range(5)
        if source.random() < 0.8
    ]  # fmt: skip


def test_agreement_is_that_of_all_pairs_of_ratings():
    answers = mixed(3)
    found = figures(answers, [(1, 1)] * 60, margin=0.1, seed=7)["agreement"]
    units = [[one.prefers for one in answers if one.item == item] for item in range(60)]
    assert float(found["alpha"]) == pytest.approx(alpha_by_hand(units), abs=1e-6)
    assert float(found["ci_low"]) < float(found["alpha"]) < float(found["ci_high"])


def test_agreement_inside_and_between_groups():
    answers = mixed(4)
    found = figures(answers, [(1, 1)] * 60, margin=0.1, seed=7)["groups"]
    assert [one["groups"] for one in found] == [["DE"], ["KE"], ["DE", "KE"]]
    for one in found[:2]:
        units = [
            [two.prefers for two in answers if two.item == item and two.group == one["groups"][0]]
            for item in range(60)
        ]
        assert float(one["alpha"]) == pytest.approx(alpha_by_hand(units), abs=1e-6)
    between = found[2]
    assert float(between["ci_low"]) < float(between["alpha"]) < float(between["ci_high"])
    rated = [{two.rater: two.prefers for two in answers if two.item == item} for item in range(60)]
    told = group_agreement(rated, {two.rater: two.group for two in answers})
    assert float(between["alpha"]) == pytest.approx(told.between["DE", "KE"], abs=1e-6)


def test_the_interval_between_groups_covers_where_they_agree_and_is_the_same_again():
    units = [{"x": n % 2, "y": n % 2 if n % 5 else 1 - n % 2} for n in range(200)]
    groups = {"x": "one", "y": "other"}
    found = between_interval(units, groups, ("one", "other"), seed=1)
    assert found.lower < found.alpha < found.upper
    assert found.upper - found.lower < 0.4
    assert between_interval(units, groups, ("one", "other"), seed=1) == found
    with pytest.raises(NoVariation):
        between_interval([{"x": 1, "y": 1}] * 5, groups, ("one", "other"), seed=1)
    with pytest.raises(NoVariation):
        between_interval([{"x": 1}, {"y": 2}], groups, ("one", "other"), seed=1)


def test_where_everybody_says_the_same_there_is_no_agreement_to_tell():
    answers = [answer(item, rater, "a") for item in range(3) for rater in (1, 2)]
    told = figures(answers, [(1, 1)] * 3, margin=0.1, seed=7)
    assert "not defined" in told["agreement"]["why"]
    assert told["groups"] == []


def test_the_place_counts_by_what_was_chosen_and_lengths_by_who_won():
    answers = [
        *(answer(item, 1, "a", first="a") for item in range(6)),
        *(answer(item, 1, "b", first="a") for item in (6, 7)),
        answer(8, 1, "tie"), answer(9, 1, "skip", reason="unclear"), answer(9, 2, "b", first="b"),
    ]  # fmt: skip
    lengths = [(10, 20)] * 3 + [(20, 10)] * 3 + [(7, 7)] * 2 + [(5, 6)] * 2
    told = figures(answers, lengths, margin=0.1, seed=7)
    assert (told["position"]["n"], told["position"]["share"]) == (9, text_of(7 / 9))
    low, high = wilson_by_hand(7 / 9, 9)
    assert (told["position"]["ci_low"], told["position"]["ci_high"]) == (text_of(low), text_of(high))
    assert (told["lengths"]["mean_a"], told["lengths"]["mean_b"]) == ("11.4", "11.6")
    assert (told["lengths"]["longer_n"], told["lengths"]["longer_share"]) == (7, text_of(4 / 7))
    assert told["skips"] == {"unclear": 1}
    assert told["counts"] == {"a": 6, "b": 3, "tie": 1, "both_bad": 0}
    assert (told["judgements"], told["raters"], told["items"]) == (10, 2, 10)


def text_of(share: float) -> str:
    return f"{share:.6f}".rstrip("0")


def test_one_item_is_no_study():
    with pytest.raises(ValueError, match="at least 2 items"):
        figures([answer(0, 1, "a"), answer(1, 1, "skip")], [(1, 1)] * 2, margin=0.1, seed=7)
