"""What was measured on pairs that nobody trained on: the share that the result ranks as people did, with its interval."""

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Any, NamedTuple

from training.runner.failures import DIVERGED, BadInput

LEVEL = 0.95
FILE = "held-out.jsonl"


class Scored(NamedTuple):
    """A held-out pair with the score of each answer."""

    pair: str
    domain: str
    chosen: float
    rejected: float

    @property
    def margin(self) -> float:
        return self.chosen - self.rejected


def report(scored: Sequence[Scored], source: str, folder: Path) -> dict[str, Any]:
    """The measurement for the summary, with each pair's scores in `folder`. Raises BadInput for scores that are no numbers."""
    if not all(math.isfinite(one.margin) for one in scored):
        raise BadInput(f"The scores of the held-out pairs are not numbers: {DIVERGED}")
    lines = [
        {
            "pair": one.pair,
            "domain": one.domain,
            "chosen": number(one.chosen),
            "rejected": number(one.rejected),
        }
        for one in scored
    ]
    (folder / FILE).write_text(
        "".join(json.dumps({name: str(value) for name, value in line.items()}) + "\n" for line in lines),
        encoding="utf-8",
    )
    domains = dict.fromkeys(one.domain for one in scored)
    parts = [{"domain": name, **agreement([one for one in scored if one.domain == name])} for name in domains]
    return {**agreement(scored), "by_domain": parts, "source": source, "file": FILE}


def agreement(scored: Sequence[Scored]) -> dict[str, Any]:
    """n, accuracy with Wilson's 95% interval, ties (they count as wrong), mean margin and mean probability.

    The probability is the logistic function of the margin (Bradley and Terry 1952): where it is much higher than the
    accuracy, the scores are surer than they should be.
    """
    n, right = len(scored), sum(one.margin > 0 for one in scored)
    low, high = wilson(right, n)
    return {
        "n": n,
        "correct": right,
        "ties": sum(one.margin == 0 for one in scored),
        "accuracy": number(right / n),
        "ci_low": number(low),
        "ci_high": number(high),
        "margin": number(fmean(one.margin for one in scored)),
        "mean_probability": number(fmean(logistic(one.margin) for one in scored)),
    }


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Ends of Wilson's 95% score interval for a share (Wilson 1927, JASA 22, 209-212)."""
    z, p = NormalDist().inv_cdf((1 + LEVEL) / 2), successes / n
    shrink = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    return (0.0 if successes == 0 else centre - half, 1.0 if successes == n else centre + half)


def logistic(x: float) -> float:
    """1/(1 + e^-x), without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def number(value: float) -> Decimal:
    """Six decimal places: beyond them, batches of another size already differ."""
    return Decimal(f"{value:.6f}").normalize() + 0
