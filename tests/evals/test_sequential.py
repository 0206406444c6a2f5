"""Looking again and again: exact values, and error rates in simulations with fixed seeds."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.normal import two_sided_p
from evals.statistics.sequential import (
    STAKES,
    alarm_at,
    confidence_sequence,
    log_e_values,
    rho_for,
    sequence_half_width,
    spent_alpha,
)

PATHS, LENGTH = 400, 300


def coin(seed: int, lost: float = 0.5) -> list[bool]:
    source = random.Random(seed)
    return [source.random() < lost for _ in range(LENGTH)]


def test_eight_losses_in_a_row_raise_the_alarm() -> None:
    # 1.5⁷ = 17.09 stays under 20, 1.5⁸ = 25.63 does not.
    assert alarm_at([True] * 20, stakes=(0.5,)) == 8
    assert list(map(math.exp, log_e_values([True, False, True]))) == pytest.approx([1.5, 0.75, 1.125])


def test_a_mixture_is_the_mean_of_its_products() -> None:
    (*_, last) = log_e_values([True, True, False], stakes=(0.2, 0.8))
    assert math.exp(last) == pytest.approx((1.2**2 * 0.8 + 1.8**2 * 0.2) / 2)


def test_under_the_null_alarms_stay_below_alpha_although_every_pair_is_looked_at() -> None:
    alarms = sum(alarm_at(coin(seed)) is not None for seed in range(PATHS))
    assert alarms / PATHS <= 0.05
    assert alarms > 0


def test_peeking_at_p_below_5_percent_would_not() -> None:
    def peeks(lost: list[bool]) -> bool:
        sums = [2 * sum(lost[:t]) - t for t in range(10, LENGTH + 1)]
        return any(two_sided_p(s / math.sqrt(t)) < 0.05 for t, s in enumerate(sums, 10))

    assert sum(peeks(coin(seed)) for seed in range(100)) / 100 > 0.25


def test_a_real_loss_is_found_early() -> None:
    found = [alarm_at(coin(seed, lost=0.7)) for seed in range(100)]
    assert all(found)
    assert sorted(at for at in found if at)[50] < 100


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_the_expected_e_value_never_exceeds_one(lost: list[bool]) -> None:
    # One more pair, lost or won with the same chance, leaves the expectation where it was.
    (*_, now) = log_e_values(lost, STAKES)
    (*_, worse), (*_, better) = (log_e_values([*lost, loss], STAKES) for loss in (True, False))
    assert (math.exp(worse) + math.exp(better)) / 2 == pytest.approx(math.exp(now))


def test_thousands_of_losses_stay_finite() -> None:
    (*_, last) = log_e_values([True] * 20_000)
    assert last == pytest.approx(20_000 * math.log(1.5))


def test_rho_and_half_width_by_hand() -> None:
    # -2 ln 0.05 = 5.99146; plus ln 6.99146 = 1.94469; over 1,000 items.
    assert rho_for(1000) == pytest.approx(math.sqrt((5.99146 + 1.94469) / 1000), abs=1e-6)
    spread = 1000 * rho_for(1000) ** 2 + 1
    assert sequence_half_width(0.5, 1000, rho_for(1000)) == pytest.approx(
        0.5 * math.sqrt(2 * spread / (1000 * (spread - 1)) * math.log(spread**0.5 / 0.05))
    )


def test_the_sequence_is_near_its_narrowest_at_its_target() -> None:
    at_target = sequence_half_width(1, 1000, rho_for(1000))
    assert all(
        at_target <= sequence_half_width(1, 1000, rho_for(other)) * 1.001
        for other in (100, 500, 2000, 10_000)
    )
    # What looking whenever one likes costs over a single look (1.96/sqrt(n)): not quite half as wide again.
    assert at_target * math.sqrt(1000) / 1.96 == pytest.approx(1.68, abs=0.25)


def test_the_sequence_holds_the_truth_at_all_looks_at_once() -> None:
    def misses(seed: int) -> bool:
        source = random.Random(seed)
        differences = [source.choice((-1, 0, 0, 0, 1)) + 0.1 for _ in range(LENGTH)]
        return any(not low <= 0.1 <= high for _, low, high in confidence_sequence(differences, 150))

    assert sum(misses(seed) for seed in range(PATHS)) / PATHS <= 0.05


def test_there_is_no_look_before_anything_varies() -> None:
    looks = [t for t, _, _ in confidence_sequence([0.0] * 50 + [1.0] * 10, 60)]
    assert looks == list(range(51, 61))
    assert [t for t, _, _ in confidence_sequence([0, 1] * 16, 60)] == [30, 31, 32]


def test_alpha_is_spent_over_the_releases() -> None:
    spent = [spent_alpha(k) for k in range(1, 2001)]
    assert spent[0] == pytest.approx(0.0303964, abs=1e-7)
    assert sum(spent) == pytest.approx(0.05, abs=2e-5)
    assert sum(spent) < 0.05
    assert all(later < earlier for earlier, later in pairwise(spent))


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        alarm_at([True], stakes=(1.0,))
    with pytest.raises(ValueError, match="between 0 and 1"):
        alarm_at([True], stakes=())
    with pytest.raises(ValueError, match="counted from 1"):
        spent_alpha(0)
    with pytest.raises(ValueError, match="number of items"):
        rho_for(0)
