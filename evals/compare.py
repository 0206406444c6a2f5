"""Compare two evaluations item by item: a is the candidate, b what it is held against."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evals.cautions import (
    SERVED,
    Item,
    Pairs,
    about_claim,
    about_items,
    about_samples,
    about_task,
    about_whole,
)
from evals.harness.sampling import ITEM_MEANS
from evals.statistics.decimals import p_text, text
from evals.statistics.intervals import LEVEL, is_binary
from evals.statistics.multiplicity import holm
from evals.statistics.normal import z_for
from evals.statistics.paired import Discordance, PairedDifference, discordance, paired_difference, tango
from evals.statistics.scores import mean_interval
from evals.statistics.verdicts import Direction, Verdict, minimum_detectable_effect, n_for_margin, verdict

Key = tuple[str, str, str]

TEMPLATE = "chat_template_sha256"
SHARED_SETTINGS = (TEMPLATE, "system_instruction_sha256")
TASK_SETTINGS = ("form", "version", "metric", "direction", "few_shot", "generation", "margin", "judge")
BOOTSTRAP_SEED = 20240923
SCOPE = "Intervals over items speak of these weights; one run says nothing about another seed of the recipe."


class NotLikeForLike(ValueError):
    """The two evaluations measured different things; `field` names the first one that differs."""

    def __init__(self, field: str, a: object, b: object, task: str = "") -> None:
        where = f" of task {task}" if task else ""
        super().__init__(
            f"The evaluations are not like for like: {field}{where} is {a!r} on one side and {b!r} on the other. "
            "Evaluate both models with the same suite, template and settings, then compare again."
        )
        self.field, self.task = field, task


@dataclass(frozen=True)
class Measured:
    """One evaluation: the rows of its items.jsonl and its results.json."""

    items: Sequence[Item]
    results: Mapping[str, Any]


@dataclass(frozen=True)
class DiscordantItem:
    """An item that the two models scored differently."""

    item: str
    item_hash: str
    score_a: str
    score_b: str
    response_a: str
    response_b: str


@dataclass(frozen=True)
class TaskComparison:
    """One task's comparison. `difference` is a - b; `lower` and `upper` are its 95% interval by `method`.

    `p_holm` is `p` corrected for all tasks of the comparison, for claims of improvement only: the verdict, which
    gates read, is not corrected. `detectable` is the true difference that this comparison finds 4 times in 5.
    """

    task: str
    metric: str
    higher_is_better: bool
    margin: float
    n: int
    score_a: float
    score_b: float
    difference: float
    se: float
    lower: float
    upper: float
    method: str
    n10: int | None
    n01: int | None
    p: float
    p_holm: float
    detectable: float
    correlation: float | None
    verdict: Verdict
    n_needed: int
    warnings: tuple[str, ...]
    discordant: tuple[DiscordantItem, ...]

    def record(self) -> dict[str, Any]:
        """The comparison with decimals as text, for the ledger, a file or an API."""
        return {
            "task": self.task, "metric": self.metric, "higher_is_better": self.higher_is_better,
            "margin": text(self.margin), "n": self.n, "score_a": text(self.score_a), "score_b": text(self.score_b),
            "difference": text(self.difference), "se": text(self.se), "ci_low": text(self.lower),
            "ci_high": text(self.upper), "method": self.method, "n10": self.n10, "n01": self.n01, "p": p_text(self.p),
            "p_holm": p_text(self.p_holm), "detectable": text(self.detectable),
            "correlation": None if self.correlation is None else text(self.correlation),
            "direction": str(self.verdict.direction), "size": str(self.verdict.size), "n_needed": self.n_needed,
            "warnings": list(self.warnings), "discordant": [vars(item) for item in self.discordant],
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """All tasks that both evaluations ran, in name order, and what the whole of it warns of."""

    tasks: tuple[TaskComparison, ...]
    warnings: tuple[str, ...]
    scope: str = SCOPE

    def record(self) -> dict[str, Any]:
        """The comparison with decimals as text."""
        tasks = [task.record() for task in self.tasks]
        return {"tasks": tasks, "warnings": list(self.warnings), "scope": self.scope}


def compare(a: Measured, b: Measured) -> Comparison:
    """Compare candidate `a` with `b` on every shared task, pairing items by content, prompt and filter.

    Where only one side is an endpoint, template and rendered prompt cannot be compared: upstream applies its own. Raises
    NotLikeForLike where the tasks, templates, settings, prompts or filters differ, or where fewer than two items of a
    task are shared. What can be compared but should be read with care comes back as warnings.
    """
    one_is_served = bool(a.results.get(SERVED)) != bool(b.results.get(SERVED))
    for field in SHARED_SETTINGS:
        if not (one_is_served and field == TEMPLATE):
            _require_same(field, a.results.get(field), b.results.get(field))
    if one_is_served:
        a, b = _without_prompts(a), _without_prompts(b)
    tasks_a, tasks_b = _tasks(a), _tasks(b)
    shared = sorted(tasks_a.keys() & tasks_b.keys())
    if not shared:
        raise NotLikeForLike("tasks", sorted(tasks_a), sorted(tasks_b))
    compared = [_compare_task(tasks_a[name], tasks_b[name], a.items, b.items) for name in shared]
    return Comparison(
        tuple(_as_family(compared)), tuple(about_whole(a.results, b.results, tasks_a.keys() ^ tasks_b.keys()))
    )


def _without_prompts(side: Measured) -> Measured:
    """The same evaluation with its items known by content alone."""
    return Measured([{**item, "prompt_hash": ""} for item in side.items], side.results)


def _tasks(side: Measured) -> dict[str, Mapping[str, Any]]:
    return {task["task"]: task for task in side.results["results"]}


def _as_family(tasks: Sequence[TaskComparison]) -> Iterable[TaskComparison]:
    """Each task with its p-value among all of them; a gain that does not stand there is warned of."""
    for task, found in zip(tasks, holm([task.p for task in tasks]), strict=True):
        is_claim = found.rejected or task.verdict.direction != Direction.IMPROVED
        warned = () if is_claim else (about_claim(task.p, found.adjusted, len(tasks)),)
        yield replace(task, p_holm=found.adjusted, warnings=(*task.warnings, *warned))


def _require_same(field: str, a: object, b: object, task: str = "") -> None:
    if a != b:
        raise NotLikeForLike(field, a, b, task)


def _require_item_means(a: Mapping[str, Any], b: Mapping[str, Any], task: str) -> None:
    """Items may be sampled more often on one side where their means are compared, and for no other estimator."""
    if {side.get("estimator", ITEM_MEANS) for side in (a, b)} != {ITEM_MEANS}:
        for field in ("estimator", "samples"):
            _require_same(field, a.get(field), b.get(field), task)


def _compare_task(
    terms: Mapping[str, Any], other: Mapping[str, Any], items_a: Sequence[Item], items_b: Sequence[Item]
) -> TaskComparison:
    name = terms["task"]
    for field in TASK_SETTINGS:
        _require_same(field, terms.get(field), other.get(field), name)
    _require_item_means(terms, other, name)
    side_a, doubled_a = _by_key(items_a, name)
    side_b, doubled_b = _by_key(items_b, name)
    _require_told(name, side_a, side_b)
    _require_one_filter(name, side_a, side_b)
    _require_same_prompts(name, side_a, side_b)
    keys = sorted(side_a.keys() & side_b.keys(), key=lambda key: str(side_a[key]["item"]))
    if len(keys) < 2:
        raise NotLikeForLike("items (fewer than 2 shared)", len(side_a), len(side_b), name)
    pairs = [(side_a[key], side_b[key]) for key in keys]
    only_a = [side_a[key] for key in side_a.keys() - side_b.keys()]
    only_b = [side_b[key] for key in side_b.keys() - side_a.keys()]
    warnings = [*about_items(doubled_a | doubled_b, only_a, only_b), *about_samples(terms, other)]
    return _judge(terms, pairs, warnings)


def _by_key(items: Sequence[Item], task: str) -> tuple[dict[Key, Item], set[str]]:
    """A task's items by what they are paired on, each once, and the ids of those that came again."""
    found: dict[Key, Item] = {}
    doubled: set[str] = set()
    for item in sorted((item for item in items if item["task"] == task), key=lambda item: str(item["item"])):
        key = (item["item_hash"], item["prompt_hash"], item["filter"])
        if key in found:
            doubled.add(str(item["item"]))
        else:
            found[key] = item
    return found, doubled


def _require_told(task: str, a: Mapping[Key, Item], b: Mapping[Key, Item]) -> None:
    """Imported files may not tell what was asked; two unknowns are no pair."""
    for place, field in enumerate(("item_hash", "prompt_hash", "filter")):
        told = [all(key[place] is not None for key in side) for side in (a, b)]
        if not all(told):
            words = ["recorded" if one else "not recorded" for one in told]
            raise NotLikeForLike(field, words[0], words[1], task)


def _require_one_filter(task: str, a: Mapping[Key, Item], b: Mapping[Key, Item]) -> None:
    """A harness may write one row per filter; counting them all would count an item several times."""
    used_a, used_b = (sorted({key[2] for key in side}) for side in (a, b))
    if max(len(used_a), len(used_b)) > 1:
        raise NotLikeForLike("filter (several)", used_a, used_b, task)


def _require_same_prompts(task: str, a: Mapping[Key, Item], b: Mapping[Key, Item]) -> None:
    asked = {key[0]: key for key in b}
    for key in a:
        if key in b or key[0] not in asked:
            continue
        _require_same("prompt_hash", key[1], asked[key[0]][1], task)
        _require_same("filter", key[2], asked[key[0]][2], task)


def _judge(terms: Mapping[str, Any], pairs: Pairs, warnings: Iterable[str]) -> TaskComparison:
    a, b = _scores(x for x, _ in pairs), _scores(y for _, y in pairs)
    clusters = _clusters(pairs, terms["task"])
    paired = paired_difference(a, b, clusters)
    counts = discordance(a, b) if is_binary(a) and is_binary(b) else None
    lower, upper, method = _interval(paired, counts, [x - y for x, y in zip(a, b, strict=True)], clusters)
    higher, margin = terms["direction"] == "higher", float(terms["margin"])
    p = counts.p if counts and clusters is None else paired.p
    return TaskComparison(
        task=terms["task"], metric=terms["metric"], higher_is_better=higher, margin=margin, n=paired.n,
        score_a=paired.mean_a, score_b=paired.mean_b, difference=paired.difference, se=paired.se,
        lower=lower, upper=upper, method=method, n10=counts.n10 if counts else None, n01=counts.n01 if counts else None,
        p=p, p_holm=p, detectable=_detectable(lower, upper), correlation=paired.correlation,
        verdict=verdict(lower, upper, margin, higher_is_better=higher), n_needed=_n_needed(paired, counts, margin),
        warnings=(*warnings, *about_task(pairs, paired, counts, terms)), discordant=tuple(_discordant(pairs)),
    )  # fmt: skip


def _scores(items: Iterable[Item]) -> list[float]:
    return [float(item["score"]) for item in items]


def _clusters(pairs: Pairs, task: str) -> list[str] | None:
    """Each item's cluster, an item without one being its own; None when no item names any.

    Raises NotLikeForLike where the two sides put an item into different clusters, or only one side into any.
    """
    if not any("cluster" in item for pair in pairs for item in pair):
        return None
    for x, y in pairs:
        _require_same("cluster", x.get("cluster"), y.get("cluster"), task)
    return [f"cluster {x['cluster']}" if "cluster" in x else f"item {x['item']}" for x, _ in pairs]


def _detectable(lower: float, upper: float) -> float:
    """From the interval rather than the error, which is 0 where no item is discordant."""
    return minimum_detectable_effect((upper - lower) / 2 / z_for(LEVEL))


def _interval(
    paired: PairedDifference,
    counts: Discordance | None,
    differences: Sequence[float],
    clusters: Sequence[str] | None,
) -> tuple[float, float, str]:
    if counts is not None and clusters is None:
        interval = tango(counts.n10, counts.n01, counts.n)
        return interval.lower, interval.upper, interval.method
    if paired.se == 0:
        return _interval_without_spread(paired)
    found = mean_interval(differences, seed=BOOTSTRAP_SEED, clusters=clusters)
    return found.lower, found.upper, found.method


def _interval_without_spread(paired: PairedDifference) -> tuple[float, float, str]:
    """As wide as Tango's for so many items (or clusters) without a discordant one: no spread seen is not none."""
    half = tango(0, 0, paired.clusters or paired.n).upper
    return (
        max(-1.0, paired.difference - half),
        min(1.0, paired.difference + half),
        "tango without discordance",
    )


def _n_needed(paired: PairedDifference, counts: Discordance | None, margin: float) -> int:
    """Items that the margin needs at the spread seen; in clusters of the present size, where there are any."""
    if counts is not None and paired.clusters is None:
        return n_for_margin((counts.n10 + counts.n01) / counts.n, margin)
    floor = n_for_margin(0.0, margin) * paired.n / (paired.clusters or paired.n)
    return max(math.ceil(floor), n_for_margin(paired.n * paired.se**2 + paired.difference**2, margin))


def _discordant(pairs: Pairs) -> Iterable[DiscordantItem]:
    for x, y in pairs:
        if x["score"] != y["score"]:
            yield DiscordantItem(
                x["item"], x["item_hash"], x["score"], y["score"], x["response"], y["response"]
            )
