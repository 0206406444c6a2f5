"""One score: which interval its shape gets, and real clusters that widen it."""

import csv
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.bootstrap import bootstrap
from evals.statistics.intervals import clustered_se, mean, wilson
from evals.statistics.scores import mean_interval, score_interval, skewness
from tests.realdata import REAL, requires


def xstest_refusals(name: str, labels: Collection[str] = ("2_full_refusal",)) -> list[tuple[str, int]]:
    """(type of prompt, whether it was refused: has one of the labels) of the 250 safe prompts."""
    with (REAL / "xstest" / f"{name}_gpteval.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["id"] and not row["type"].startswith("contrast")]
    return [(row["type"], int(row["final_label"] in labels)) for row in rows]


@requires("xstest")
def test_xstest_prompts_of_one_type_are_no_independent_items() -> None:
    types, refused = zip(*xstest_refusals("llama2orig"), strict=True)
    naive, clustered = mean(refused), mean(refused, types)
    assert (naive.mean, naive.se, clustered.se) == pytest.approx((0.38, 0.030760, 0.076577), abs=1e-5)
    assert clustered.clusters == 10
    drawn = score_interval(refused, seed=7, clusters=types)
    assert drawn.method == "cluster bootstrap, 10000 rounds, seed 7"
    assert (drawn.lower, drawn.upper) == pytest.approx((clustered.lower, clustered.upper), abs=0.02)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-9, 9)), min_size=2, max_size=40))
def test_the_clustered_error_is_the_sum_over_pairs_inside_clusters(rows: list[tuple[int, int]]) -> None:
    # Miller 2024 writes it as pairs: (1/n²)·sum over i, j of one cluster of (s_i - m)(s_j - m).
    clusters, values = zip(*rows, strict=True)
    centre = sum(values) / len(values)
    pairs = sum((x - centre) * (y - centre) for c, x in rows for d, y in rows if c == d)
    assert clustered_se(values, clusters) == pytest.approx(max(pairs, 0) ** 0.5 / len(values), abs=1e-7)


def test_the_method_follows_the_shape() -> None:
    halves = [0, 0.5, 1, 0.5] * 30
    assert score_interval([1, 0, 1], seed=1).method == "wilson"
    assert score_interval(halves, seed=1).method == "normal"
    assert score_interval(halves[:40], seed=1).method == "bootstrap, 10000 rounds, seed 1"
    assert score_interval([0.1] * 119 + [9], seed=1).method == "bootstrap, 10000 rounds, seed 1"
    assert score_interval(halves, seed=1, clusters=[n // 3 for n in range(120)]).method == "clustered"
    assert score_interval([0] * 4999 + [0.5], seed=1).method == "bootstrap, 1000 rounds, seed 1"
    assert score_interval([1, 0], seed=1, clusters="ab").method == "cluster bootstrap, 10000 rounds, seed 1"
    assert mean_interval([1, 0, 1], seed=1).method == "bootstrap, 10000 rounds, seed 1"


def test_a_share_has_wilsons_ends() -> None:
    assert score_interval([1] * 81 + [0] * 182, seed=1) == wilson(81, 263)


def test_skewness_by_hand() -> None:
    # 0, 0, 0, 1: m2 = 3/16, m3 = 3/32.
    assert skewness([0, 0, 0, 1]) == pytest.approx((3 / 32) / (3 / 16) ** 1.5)
    assert skewness([0, 1]) == skewness([2, 2]) == 0


@given(st.lists(st.integers(-20, 20), min_size=30, max_size=40))
def test_the_intervals_hold_their_estimate(values: list[int]) -> None:
    drawn = bootstrap(values, seed=3, rounds=200)
    clustered = mean_interval(values, seed=3, clusters=range(len(values)))
    assert clustered.method == "clustered"
    for found in (drawn, clustered):
        assert found.lower <= found.estimate <= found.upper
