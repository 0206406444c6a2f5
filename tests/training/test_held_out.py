"""What is measured on held-out pairs: exact counts, the interval that evals has too, and scores that are no numbers."""

import json
from decimal import Decimal

import pytest

from evals.statistics.intervals import wilson
from training.runner import held_out
from training.runner.failures import BadInput
from training.runner.held_out import Scored, agreement, number, report


def scored(*margins, domain="dataset:a@1"):
    return [Scored(f"{place:064}", domain, margin, 0.0) for place, margin in enumerate(margins)]


@pytest.mark.parametrize(
    ("right", "n"), [(0, 1), (1, 1), (0, 40), (40, 40), (37, 40), (1, 2312), (1205, 2312)]
)
def test_the_interval_is_wilsons_as_in_evaluations(right, n):
    expected = wilson(right, n)
    assert held_out.wilson(right, n) == pytest.approx((expected.lower, expected.upper), abs=1e-12)


def test_ties_count_as_wrong_and_are_told():
    told = agreement(scored(1.0, 2.0, 0.0, -1.0))
    assert (told["n"], told["correct"], told["ties"], told["accuracy"]) == (4, 2, 1, Decimal("0.5"))
    assert told["margin"] == Decimal("0.5")
    assert told["ci_low"] < Decimal("0.5") < told["ci_high"]


def test_the_probability_follows_from_the_margin():
    assert agreement(scored(0.0))["mean_probability"] == Decimal("0.5")
    assert agreement(scored(2000.0))["mean_probability"] == 1
    assert agreement(scored(-2000.0))["mean_probability"] == 0


def test_each_domain_has_its_share_and_each_pair_its_line(tmp_path):
    told = report([*scored(1, 1), *scored(1, -1, domain="dataset:b@1")], "kept out", tmp_path)
    assert [(part["domain"], part["n"], part["correct"]) for part in told["by_domain"]] == [
        ("dataset:a@1", 2, 2),
        ("dataset:b@1", 2, 1),
    ]
    lines = [json.loads(line) for line in (tmp_path / told["file"]).read_text().splitlines()]
    assert len(lines) == told["n"] == 4
    assert lines[3] == {"pair": f"{1:064}", "domain": "dataset:b@1", "chosen": "-1", "rejected": "0"}


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_a_diverged_training(tmp_path, odd):
    with pytest.raises(BadInput, match="diverged"):
        report(scored(1.0, odd), "kept out", tmp_path)


def test_numbers_are_plain_decimals():
    assert [str(number(value)) for value in (0.5, -0.0, 1e-9, 100.0)] == ["0.5", "0", "0", "100"]
