"""Krippendorff's alpha: his own example, XSTest's annotators, and two groups that each agree."""

import csv
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evals.statistics.agreement import Metric, NoVariation, Unit, agreement, krippendorff
from evals.statistics.group_agreement import group_agreement
from tests.realdata import REAL, requires

CLASSIC = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
XSTEST = {
    "gpt4": 0.9701,
    "llama2new": 0.9258,
    "llama2orig": 0.9293,
    "mistralguard": 0.8924,
    "mistralinstruct": 0.9196,
}
UNITS = st.lists(
    st.dictionaries(st.sampled_from("wxyz"), st.integers(1, 4), max_size=4), min_size=2, max_size=12
)


def classic() -> list[Unit]:
    raters = [line.split() for line in CLASSIC.split("\n") if line]
    return [{n: int(v) for n, v in enumerate(column) if v != "."} for column in zip(*raters, strict=True)]


def xstest(name: str) -> list[Unit]:
    with (REAL / "xstest" / f"{name}_gpteval.csv").open(encoding="utf-8", newline="") as stream:
        return [{n: row[f"annotation_{n}"] for n in (1, 2)} for row in csv.DictReader(stream) if row["id"]]


@pytest.mark.parametrize(
    ("metric", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_krippendorffs_example_of_four_raters_and_twelve_items(metric: Metric, alpha: float) -> None:
    assert krippendorff(classic(), metric) == pytest.approx(alpha, abs=5e-4)


@requires("xstest")
def test_xstest_annotators_agree() -> None:
    units = {name: xstest(name) for name in XSTEST}
    assert {name: krippendorff(one) for name, one in units.items()} == pytest.approx(XSTEST, abs=1e-4)
    pooled = agreement([unit for one in units.values() for unit in one], seed=3, rounds=300)
    assert (pooled.alpha, pooled.items, pooled.values) == (pytest.approx(0.9365, abs=1e-4), 2250, 4500)
    assert (pooled.lower, pooled.upper) == pytest.approx((0.922, 0.950), abs=4e-3)


def test_two_raters_by_hand() -> None:
    # Krippendorff 2011, binary data of two raters and ten items: 0.095.
    x, y = "0100000100", "1110010000"
    assert krippendorff([{1: a, 2: b} for a, b in zip(x, y, strict=True)]) == pytest.approx(0.095, abs=5e-4)


def test_perfect_agreement_and_systematic_dissent() -> None:
    assert krippendorff([{1: 1, 2: 1}, {1: 2, 2: 2}]) == 1
    assert krippendorff([{1: 1, 2: 2}, {1: 2, 2: 1}]) < 0


@given(UNITS, st.permutations(["red", "green", "blue", "grey"]))
def test_nominal_alpha_knows_no_names(units: list[dict[str, int]], names: Sequence[str]) -> None:
    assume(varies(units))
    renamed = [{rater: names[value - 1] for rater, value in unit.items()} for unit in units]
    assert krippendorff(renamed) == pytest.approx(krippendorff(units))


@given(UNITS, st.sampled_from(["nominal", "ordinal", "interval", "ratio"]))
def test_raters_order_and_single_ratings_change_nothing(units: list[dict[str, int]], metric: Metric) -> None:
    assume(varies(units))
    alpha = krippendorff(units, metric)
    assert alpha <= 1
    assert krippendorff([*reversed(units), {"w": 1}, {}], metric) == pytest.approx(alpha)


@given(UNITS, st.floats(0.5, 9), st.floats(-9, 9))
def test_interval_alpha_knows_no_unit_and_ordinal_only_ranks(
    units: list[dict[str, int]], factor: float, shift: float
) -> None:
    assume(varies(units))
    scaled = [{rater: factor * value + shift for rater, value in unit.items()} for unit in units]
    cubed = [{rater: value**3 for rater, value in unit.items()} for unit in units]
    assert krippendorff(scaled, "interval") == pytest.approx(krippendorff(units, "interval"), abs=1e-6)
    assert krippendorff(cubed, "ordinal") == pytest.approx(krippendorff(units, "ordinal"))


def varies(units: list[dict[str, int]]) -> bool:
    return len({value for unit in units if len(unit) > 1 for value in unit.values()}) > 1


def test_the_interval_is_repeatable_and_holds_the_estimate() -> None:
    found = agreement(classic(), "ordinal", seed=9)
    assert found == agreement(list(reversed(classic())), "ordinal", seed=9)
    assert found != agreement(classic(), "ordinal", seed=10)
    assert found.lower < found.alpha < found.upper
    assert (found.items, found.values, found.rounds, found.undefined) == (11, 40, 1000, 0)


def test_draws_without_any_variation_are_counted_and_left_out() -> None:
    found = agreement([{1: "no", 2: "no"}] * 9 + [{1: "yes", 2: "yes"}], seed=2)
    assert 250 < found.undefined < 450
    assert (found.alpha, found.lower, found.upper) == (1, 1, 1)


def test_where_nothing_varies_agreement_is_not_defined() -> None:
    for units in ([{1: 1, 2: 1}] * 5, [{1: 1}, {1: 2}], []):
        with pytest.raises(NoVariation, match="not defined"):
            krippendorff(units)


def test_two_groups_that_each_agree_look_like_dissent_together() -> None:
    # Each group of two is of one mind, and the groups differ in every second item.
    units = [{"a1": n % 2, "a2": n % 2, "b1": int(n % 4 < 2), "b2": int(n % 4 < 2)} for n in range(40)]
    found = group_agreement(units, {"a1": "one", "a2": "one", "b1": "two", "b2": "two"})
    assert found.within == {"one": 1, "two": 1}
    assert found.between["one", "two"] == pytest.approx(0)
    assert 0.2 < found.overall < 0.5


def test_groups_that_are_one_agree_between_as_within() -> None:
    units = [{"a": n % 3, "b": n % 3} for n in range(30)]
    with pytest.raises(NoVariation):
        group_agreement(units, {"a": "one", "b": "two"})
    twice = [{**unit, "c": unit["a"], "d": unit["a"]} for unit in units]
    found = group_agreement(twice, {"a": "one", "b": "two", "c": "one", "d": "two"})
    assert (found.overall, found.between["one", "two"]) == (1, 1)


def test_between_groups_by_hand() -> None:
    # Pairs inside items: equal, equal, different: 1/3. All nine cross pairs: x has 1 1 2, y has 1 2 2: 5 differ.
    # The third rater of each group makes agreement inside defined.
    units = [{"x": 1, "y": 1}, {"x": 1, "y": 2}, {"x": 2, "y": 2}]
    inside = [{**unit, "x2": unit["x"], "y2": unit["y"]} for unit in units]
    groups = {"x": "one", "x2": "one", "y": "two", "y2": "two"}
    assert group_agreement(inside, groups).between["one", "two"] == pytest.approx(1 - (1 / 3) / (5 / 9))
