"""Several samples an item: the item's score is their mean, the item stays the unit, and k of them are told of beside it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evals.harness.suite import SuiteTask
from evals.statistics.at_k import ESTIMATORS, Sampled, ks, over_items, values
from evals.statistics.decimals import text
from evals.statistics.intervals import Interval, average
from evals.statistics.samples import sampled_mean

Row = Mapping[str, Any]
ITEM_MEANS = "mean over items of each item's mean over its samples"
SEED = 20240923
"""Of a bootstrap, where an interval takes one; written down beside it."""


def item_score(samples: Sequence[Row]) -> str:
    """The mean over an item's samples, as decimal text."""
    return text(average([float(one["score"]) for one in samples]))


def sampled(row: Row, *, higher: bool) -> Sampled:
    """The samples of an item's row; `higher` says whether a score of 1 is the right one."""
    said = row["samples"]
    right = tuple((one["score"] == "1") == higher for one in said)
    told = all("answer" in one for one in said)
    return Sampled(right, tuple(one["answer"] for one in said) if told else None)


def clusters_of(rows: Iterable[Row]) -> list[str] | None:
    """Each item's cluster, an item without one being its own; None when no item names any."""
    named = [(row.get("cluster"), row["item"]) for row in rows]
    if all(cluster is None for cluster, _ in named):
        return None
    return [f"item {item}" if cluster is None else f"cluster {cluster}" for cluster, item in named]


def estimators_of(items: Sequence[Sampled]) -> list[str]:
    """What is told of these items: a vote where answers can be compared, else, of actions, whether all samples are right."""
    return [
        ESTIMATORS[0],
        ESTIMATORS[1] if all(item.answers is not None for item in items) else ESTIMATORS[2],
    ]


def sampled_result(task: SuiteTask, rows: Sequence[Row]) -> tuple[dict[str, Any], Interval, list[float]]:
    """What a task's result says beside the usual, the interval of its score, and the items' means.

    `at_k` has for each k the estimators with their intervals. `within_part` is the share of the squared error that more
    samples an item would take away; null where items are too few or do not vary.
    """
    higher, clusters = task.task.higher_is_better, clusters_of(rows)
    items = [sampled(row, higher=higher) for row in rows]
    scores = [[float(one["score"]) for one in row["samples"]] for row in rows]
    means = [average(one) for one in scores]
    score = over_items(means, seed=SEED, clusters=clusters)
    names = estimators_of(items)
    return (
        {
            "samples": task.asking.samples,
            "estimator": ITEM_MEANS,
            "interval": score.method,
            "within_part": text(sampled_mean(scores, clusters).within_part) if len(rows) > 1 else None,
            "at_k": [_at(items, names, k, clusters) for k in ks(task.asking.samples)],
        },
        score,
        means,
    )


def _at(items: Sequence[Sampled], names: Sequence[str], k: int, clusters: list[str] | None) -> dict[str, Any]:
    told: dict[str, Any] = {"k": k}
    for name in names:
        found = over_items(values(items, name, k), seed=SEED, clusters=clusters)
        told |= {
            name: text(found.estimate),
            f"{name}_low": text(max(0.0, found.lower)),
            f"{name}_high": text(min(1.0, found.upper)),
        }
    return told
