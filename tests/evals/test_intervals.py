"""One score: published and hand-checked values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.bootstrap import bootstrap
from evals.statistics.decimals import p_text, text
from evals.statistics.intervals import clustered_se, mean, wilson, zero_failure_upper
from evals.statistics.normal import two_sided_p, z_for


def test_wilson_matches_newcombe_1998() -> None:
    # Newcombe 1998, Statistics in Medicine 17, 857-872, Table I, method 3.
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (successes, n), (lower, upper) in published.items():
        interval = wilson(successes, n)
        assert interval.lower == pytest.approx(lower, abs=5e-5)
        assert interval.upper == pytest.approx(upper, abs=5e-5)


def test_wilson_has_a_width_at_both_ends() -> None:
    assert (wilson(20, 20).lower, wilson(20, 20).upper) == (pytest.approx(0.8389, abs=5e-5), 1.0)
    assert wilson(0, 20).lower == 0.0


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_stays_inside_and_mirrors(counts: tuple[int, int]) -> None:
    successes, n = counts
    interval, mirrored = wilson(successes, n), wilson(n - successes, n)
    assert 0 <= interval.lower <= interval.estimate <= interval.upper <= 1
    assert interval.lower == pytest.approx(1 - mirrored.upper, abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 4), (0, 0)])
def test_wilson_refuses_what_is_no_share(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        wilson(successes, n)


def test_zero_failures_follow_the_rule_of_three() -> None:
    assert zero_failure_upper(100) == pytest.approx(1 - 0.05 ** (1 / 100))
    assert zero_failure_upper(1000) == pytest.approx(3 / 1000, rel=0.01)
    with pytest.raises(ValueError, match="no trials"):
        zero_failure_upper(0)


def test_mean_with_its_error_by_hand() -> None:
    # 1, 2, 3, 4: mean 2.5, s = sqrt(5/3), SE = s/2.
    result = mean([1, 2, 3, 4])
    assert (result.mean, result.se) == (2.5, pytest.approx(math.sqrt(5 / 3) / 2))
    assert result.upper == pytest.approx(2.5 + 1.959964 * result.se, abs=1e-6)
    with pytest.raises(ValueError, match="at least 2"):
        mean([1])


def test_clusters_may_widen_or_narrow_the_error_by_hand() -> None:
    # Mean 1/2. Alike inside: cluster sums +1, -1 → sqrt(2)/4. Opposed inside: sums 0, 0 → 0.
    assert clustered_se([1, 1, 0, 0], ["a", "a", "b", "b"]) == pytest.approx(math.sqrt(2) / 4)
    assert clustered_se([1, 0, 1, 0], ["a", "a", "b", "b"]) == 0
    assert mean([1, 1, 0, 0], ["a", "a", "b", "b"]).clusters == 2
    with pytest.raises(ValueError, match="cluster names"):
        clustered_se([1, 0], ["a"])


def test_every_item_its_own_cluster_is_the_naive_error_up_to_its_denominator() -> None:
    values = [0, 1, 1, 0, 1, 1, 1]
    naive = mean(values).se * math.sqrt(6 / 7)
    assert clustered_se(values, range(7)) == pytest.approx(naive)


def test_bootstrap_is_repeatable_and_near_the_normal_interval() -> None:
    values = [1] * 60 + [0] * 40
    drawn = bootstrap(values, seed=7, rounds=4000)
    assert drawn == bootstrap(values, seed=7, rounds=4000)
    assert drawn != bootstrap(values, seed=8, rounds=4000)
    assert (drawn.lower, drawn.upper) == (pytest.approx(0.504, abs=0.02), pytest.approx(0.696, abs=0.02))
    assert (drawn.seed, drawn.rounds, drawn.estimate) == (7, 4000, 0.6)


def test_bootstrap_of_clusters_moves_whole_clusters() -> None:
    values, clusters = [1] * 50 + [0] * 50, [index // 10 for index in range(100)]
    wide, narrow = (
        bootstrap(values, seed=1, clusters=clusters, rounds=2000),
        bootstrap(values, seed=1, rounds=2000),
    )
    assert wide.upper - wide.lower > 2 * (narrow.upper - narrow.lower)
    assert wide.clusters == 10
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap([], seed=1)


def test_normal_quantile_and_tail() -> None:
    assert z_for(0.95) == pytest.approx(1.959963985)
    assert two_sided_p(-1.959963985) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="between 0 and 1"):
        z_for(1)


def test_decimal_text() -> None:
    assert [text(x) for x in (0.1, 1.0, -0.0, 1 / 3, 1e-9, -1e-9, 120.5, 1e17)] == [
        "0.1", "1", "0", "0.333333", "0", "0", "120.5", "100000000000000000",
    ]  # fmt: skip
    assert text(0.00005, places=4) == "0.0001"
    with pytest.raises(ValueError, match="no decimal text"):
        text(math.nan)


def test_p_values_are_never_written_as_zero() -> None:
    assert [p_text(p) for p in (1.0, 0.0031523, 3.9e-36, 0.0)] == [
        "1",
        "0.00315",
        "0.000000000001",
        "0.000000000001",
    ]
    with pytest.raises(ValueError, match="between 0 and 1"):
        p_text(1.1)


@given(st.floats(-1e6, 1e6))
def test_decimal_text_reads_back_to_the_rounded_number(x: float) -> None:
    assert float(text(x)) == pytest.approx(x, abs=5.01e-7)
