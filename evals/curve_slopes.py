"""What each doubling of a budget, or of k, adds: read from the items, since every budget asked the same ones."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from evals.harness.sampling import SEED, clusters_of, estimators_of, sampled
from evals.records import StoredItems
from evals.statistics.at_k import Sampled, ks, values
from evals.statistics.decimals import text
from evals.statistics.slope import token_slope

KEPT = 64
SCORE = "score"


class Asked(NamedTuple):
    """The items of one task of one evaluation."""

    budget: int
    samples: int
    items_sha256: str
    task: str
    higher: bool


@dataclass(frozen=True)
class Slope:
    """`of` ("score", "pass@4") rises by `slope` a doubling of `over`, the budget or k; the ends are None where no item changed."""

    of: str
    over: str
    slope: str
    low: str | None
    high: str | None
    method: str

    @property
    def words(self) -> str:
        if self.low is None or self.high is None:
            return "no item changed"
        return "rises" if float(self.low) > 0 else "falls" if float(self.high) < 0 else "undecided"

    def record(self) -> dict[str, Any]:
        return {**vars(self), "words": self.words}


@lru_cache(maxsize=KEPT)
def over_budgets(asked: tuple[Asked, ...], k: int) -> tuple[Slope, ...]:
    """The slopes over budgets of the score, and of the estimators at k where k is above 1. Raises MissingBlob, Inconsistent."""
    sides = [_rows(one) for one in asked]
    clusters = clusters_of(sides[0])
    budgets = [one.budget for one in asked]
    scores = [[float(row["score"]) for row in rows] for rows in sides]
    found = [_slope(SCORE, "budget", budgets, scores, clusters)]
    if k > 1:
        items = [_sampled(rows, one) for rows, one in zip(sides, asked, strict=True)]
        for name in estimators_of(items[0]):
            at_k = [values(one, name, k) for one in items]
            found.append(_slope(f"{name}@{k}", "budget", budgets, at_k, clusters))
    return tuple(found)


@lru_cache(maxsize=KEPT)
def over_k(asked: Asked) -> tuple[Slope, ...]:
    """The slopes over k at one budget. Raises MissingBlob, Inconsistent."""
    rows = _rows(asked)
    items, sizes = _sampled(rows, asked), ks(asked.samples)
    return tuple(
        _slope(
            f"{name}@k", f"k at {asked.budget} tokens", sizes, [values(items, name, k) for k in sizes], clusters_of(rows)
        )
        for name in estimators_of(items)
    )  # fmt: skip


def _rows(asked: Asked) -> list[dict[str, Any]]:
    """The task's items by what they ask, so that those of all budgets stand in one order; without their texts."""
    wanted = StoredItems(asked.items_sha256, keep=lambda item: bool(item["task"] == asked.task))
    rows = [
        {
            **{name: item.get(name) for name in ("item", "item_hash", "score", "cluster")},
            "samples": [{n: s[n] for n in ("score", "answer") if n in s} for s in item.get("samples", ())],
        }
        for item in wanted
    ]
    return sorted(rows, key=lambda row: (row["item_hash"] or "", row["item"]))


def _sampled(rows: Sequence[dict[str, Any]], asked: Asked) -> list[Sampled]:
    return [sampled(row, higher=asked.higher) for row in rows]


def _slope(
    of: str,
    over: str,
    at: Sequence[int],
    scores: Sequence[Sequence[float]],
    clusters: Sequence[Hashable] | None,
) -> Slope:
    found = token_slope(at, scores, seed=SEED, clusters=clusters).slope
    # No item's own slope differs: the width would be 0, and no spread seen is not none.
    low, high = (text(found.lower), text(found.upper)) if found.upper > found.lower else (None, None)
    return Slope(of, over, text(found.estimate), low, high, found.method)
