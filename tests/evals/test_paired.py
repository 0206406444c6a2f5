"""Two models on the same items: GSM8K and XSTest give the worked values, papers and hands the others."""

import csv
import json
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.bootstrap import bootstrap
from evals.statistics.paired import discordance, mcnemar, paired_difference, tango
from tests.realdata import REAL, requires

COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200)).filter(lambda c: sum(c) > 1)


def gsm8k_scores() -> dict[str, list[int]]:
    lines = (REAL / "gsm8k" / "example_model_solutions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    systems = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    return {system: [int(row[system]["is_correct"]) for row in rows] for system in systems}


def full_refusals(name: str) -> dict[str, int]:
    with (REAL / "xstest" / f"{name}_gpteval.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["id"] and not row["type"].startswith("contrast")]
    return {row["id"]: int(row["final_label"] == "2_full_refusal") for row in rows}


@requires("gsm8k")
def test_gsm8k_accuracies() -> None:
    means = {system: sum(scores) / len(scores) for system, scores in gsm8k_scores().items()}
    assert means == pytest.approx(
        {
            "6b_finetuning": 0.216831,
            "6b_verification": 0.390447,
            "175b_finetuning": 0.347233,
            "175b_verification": 0.562547,
        },
        abs=1e-6,
    )


@requires("gsm8k")
@pytest.mark.parametrize(
    ("a", "b", "expected", "counts", "p"),
    [
        ("6b_verification", "6b_finetuning", (0.173616, 0.013509, 0.017590), (293, 64), 3.9e-36),
        ("175b_verification", "175b_finetuning", (0.215315, 0.014684, 0.018939), (360, 76), 2.9e-45),
    ],
)
def test_gsm8k_verification_against_finetuning(
    a: str, b: str, expected: tuple[float, float, float], counts: tuple[int, int], p: float
) -> None:
    scores = gsm8k_scores()
    paired, counted = paired_difference(scores[a], scores[b]), discordance(scores[a], scores[b])
    assert (paired.difference, paired.se, paired.se_unpaired) == pytest.approx(expected, abs=1e-6)
    assert (paired.n, counted.n10, counted.n01) == (1319, *counts)
    assert counted.p == pytest.approx(p, rel=0.02)


@requires("gsm8k")
def test_gsm8k_interval_and_z_of_the_small_pair() -> None:
    scores = gsm8k_scores()
    paired = paired_difference(scores["6b_verification"], scores["6b_finetuning"])
    assert (paired.lower, paired.upper, paired.z) == pytest.approx((0.14714, 0.20009, 12.852), abs=1e-3)
    assert (paired.lower, paired.upper) == pytest.approx((0.14714, 0.20009), abs=1e-5)
    interval = tango(293, 64, 1319)
    assert (interval.lower, interval.upper) == pytest.approx((paired.lower, paired.upper), abs=1e-3)


@requires("gsm8k")
def test_gsm8k_where_pairing_decides() -> None:
    scores = gsm8k_scores()
    paired = paired_difference(scores["6b_verification"], scores["175b_finetuning"])
    counted = discordance(scores["6b_verification"], scores["175b_finetuning"])
    assert (paired.difference, paired.se, paired.se_unpaired) == pytest.approx(
        (0.043215, 0.014361, 0.018776), abs=1e-6
    )
    assert paired.z == pytest.approx(3.009, abs=1e-3)
    assert paired.difference / paired.se_unpaired == pytest.approx(2.30, abs=5e-3)
    assert counted.p == pytest.approx(0.00315, abs=1e-5)


@requires("gsm8k")
def test_gsm8k_resampled_with_both_scores_together() -> None:
    scores = gsm8k_scores()
    differences = [a - b for a, b in zip(scores["6b_verification"], scores["175b_finetuning"], strict=True)]
    drawn = bootstrap(differences, seed=11, rounds=1000)
    assert (drawn.estimate, drawn.seed) == (pytest.approx(0.043215, abs=1e-6), 11)
    assert (drawn.lower, drawn.upper) == pytest.approx((0.01507, 0.07136), abs=4e-3)


@requires("xstest")
def test_xstest_system_prompts_of_the_same_weights() -> None:
    original, new = full_refusals("llama2orig"), full_refusals("llama2new")
    assert len(original) == 250
    assert original.keys() == new.keys()
    counted = discordance([original[key] for key in original], [new[key] for key in original])
    assert (counted.n10, counted.n01) == (63, 3)
    assert counted.p == pytest.approx(1.3e-15, rel=0.02)


def test_paired_difference_by_hand() -> None:
    # d = 1, 0, 1, -1: mean 1/4, sd = sqrt(11/12), SE = sd/2.
    paired = paired_difference([1, 1, 1, 0], [0, 1, 0, 1])
    assert (paired.difference, paired.se) == (0.25, pytest.approx((11 / 12) ** 0.5 / 2))
    assert paired.correlation == pytest.approx(-1 / 3**0.5)


def test_identical_models_differ_by_nothing() -> None:
    paired = paired_difference([1, 1, 0], [1, 1, 0])
    assert (paired.difference, paired.se, paired.z, paired.p) == (0, 0, None, 1.0)
    assert paired.correlation == pytest.approx(1)
    assert paired_difference([1, 1], [0, 1]).correlation is None


def test_clustered_difference_by_hand() -> None:
    # d = 1, 1, 0, 0 in two clusters: the sums of deviations are +1 and -1.
    paired = paired_difference([1, 1, 0, 0], [0, 0, 0, 0], ["x", "x", "y", "y"])
    assert (paired.se, paired.clusters) == (pytest.approx(2**0.5 / 4), 2)


@pytest.mark.parametrize(("a", "b"), [([1, 0], [1]), ([1], [1])])
def test_pairing_refuses_unequal_or_single_items(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="items"):
        paired_difference(a, b)


def test_mcnemar_by_hand() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 0) == 2 / 2**5
    assert (
        mcnemar(1, 7) == mcnemar(7, 1) == 2 * (1 + 8) / 2**8
    )  # Bentur et al. 2009 in Fagerland et al. 2013: 0.0703
    assert mcnemar(3, 3) == 1.0


@given(st.integers(0, 80), st.integers(0, 80))
def test_mcnemar_is_the_binomial_tail(n10: int, n01: int) -> None:
    n = n10 + n01
    tail = sum(comb(n, k) for k in range(min(n10, n01) + 1))
    assert mcnemar(n10, n01) == min(1.0, 2 * tail / 2**n)


def test_mcnemar_of_many_discordant_items_stays_finite() -> None:
    assert mcnemar(3000, 0) == 0.0 < mcnemar(6000, 5000) < 1e-20


def test_tango_matches_fagerland_2014() -> None:
    # Fagerland, Lydersen, Laake 2014, Statistics in Medicine 33, 2850-2875: airway hyper-responsiveness, (1, 7) of 21.
    interval = tango(1, 7, 21)
    assert (interval.lower, interval.upper) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_tango_without_discordant_items_is_as_wide_as_the_sample_is_small() -> None:
    z_squared = 1.959963985**2
    for n in (1, 10, 250):
        interval = tango(0, 0, n)
        assert interval.upper == pytest.approx(z_squared / (n + z_squared), abs=1e-9)
        assert interval.lower == pytest.approx(-interval.upper, abs=1e-9)


def test_250_items_at_ten_percent_discordance_see_about_four_points() -> None:
    wald = paired_difference([1] * 12 + [0] * 238, [0] * 12 + [1] * 13 + [0] * 225)
    interval = tango(12, 13, 250)
    assert (wald.upper - wald.lower) / 2 == pytest.approx(0.039, abs=5e-4)
    assert (interval.upper - interval.lower) / 2 == pytest.approx(0.0415, abs=5e-4)


@given(COUNTS)
def test_tango_holds_its_estimate_and_mirrors(counts: tuple[int, int, int]) -> None:
    n10, n01, concordant = counts
    n = n10 + n01 + concordant
    interval, mirrored = tango(n10, n01, n), tango(n01, n10, n)
    assert -1 <= interval.lower <= interval.estimate <= interval.upper <= 1
    assert interval.lower < interval.upper
    assert interval.lower == pytest.approx(-mirrored.upper, abs=1e-9)


@given(COUNTS)
def test_tango_nears_wald_as_the_sample_grows(counts: tuple[int, int, int]) -> None:
    n10, n01, n = counts[0] * 1000, counts[1] * 1000, sum(counts) * 1000
    a = [1.0] * counts[0] + [0.0] * counts[1] + [1.0] * counts[2]
    b = [0.0] * counts[0] + [1.0] * counts[1] + [1.0] * counts[2]
    wald = paired_difference(a, b)
    spread = wald.se * ((sum(counts) - 1) / sum(counts)) ** 0.5 / 1000**0.5
    assert tango(n10, n01, n).upper == pytest.approx(wald.difference + 1.96 * spread, abs=4e-3)


@pytest.mark.parametrize("counts", [(3, 3, 5), (-1, 0, 5), (0, 0, 0)])
def test_tango_refuses_impossible_counts(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        tango(*counts)
