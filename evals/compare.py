"""Compare two evaluations item by item: a is the candidate, b what it is held against."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.statistics.bootstrap import bootstrap
from evals.statistics.decimals import p_text, text
from evals.statistics.intervals import is_binary
from evals.statistics.paired import Discordance, PairedDifference, discordance, paired_difference, tango
from evals.statistics.verdicts import Verdict, n_for_margin, verdict

Item = Mapping[str, Any]
Key = tuple[str, str, str]

SHARED_SETTINGS = ("chat_template_sha256", "system_instruction_sha256")
TASK_SETTINGS = ("version", "metric", "direction", "few_shot", "generation", "margin")
CEILING = 0.95
FEW_CLUSTERS = 30
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
    """One task's comparison. `difference` is a - b; `lower` and `upper` are its 95% interval by `method`."""

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

    Raises NotLikeForLike where the tasks, templates, settings, prompts or filters differ, or where fewer than
    two items of a task are shared. What can be compared but should be read with care comes back as warnings.
    """
    for field in SHARED_SETTINGS:
        _require_same(field, a.results.get(field), b.results.get(field))
    tasks_a, tasks_b = _tasks(a), _tasks(b)
    shared = sorted(tasks_a.keys() & tasks_b.keys())
    if not shared:
        raise NotLikeForLike("tasks", sorted(tasks_a), sorted(tasks_b))
    compared = tuple(_compare_task(tasks_a[name], tasks_b[name], a.items, b.items) for name in shared)
    return Comparison(compared, tuple(_whole_warnings(a, b, tasks_a.keys() ^ tasks_b.keys())))


def _tasks(side: Measured) -> dict[str, Mapping[str, Any]]:
    return {task["task"]: task for task in side.results["results"]}


def _require_same(field: str, a: object, b: object, task: str = "") -> None:
    if a != b:
        raise NotLikeForLike(field, a, b, task)


def _compare_task(
    terms: Mapping[str, Any], other: Mapping[str, Any], items_a: Sequence[Item], items_b: Sequence[Item]
) -> TaskComparison:
    name = terms["task"]
    for field in TASK_SETTINGS:
        _require_same(field, terms.get(field), other.get(field), name)
    side_a, doubled_a = _by_key(items_a, name)
    side_b, doubled_b = _by_key(items_b, name)
    _require_same_prompts(name, side_a, side_b)
    keys = sorted(side_a.keys() & side_b.keys(), key=lambda key: str(side_a[key]["item"]))
    if len(keys) < 2:
        raise NotLikeForLike("items (fewer than 2 shared)", len(side_a), len(side_b), name)
    pairs = [(side_a[key], side_b[key]) for key in keys]
    dropped = (
        [side_a[key] for key in side_a.keys() - side_b.keys()],
        [side_b[key] for key in side_b.keys() - side_a.keys()],
    )
    return _judge(terms, pairs, [*_doubled_warning(doubled_a | doubled_b), *_dropped_warnings(*dropped)])


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


def _require_same_prompts(task: str, a: Mapping[Key, Item], b: Mapping[Key, Item]) -> None:
    asked = {key[0]: key for key in b}
    for key in a:
        if key in b or key[0] not in asked:
            continue
        _require_same("prompt_hash", key[1], asked[key[0]][1], task)
        _require_same("filter", key[2], asked[key[0]][2], task)


def _judge(
    terms: Mapping[str, Any], pairs: Sequence[tuple[Item, Item]], warnings: Iterable[str]
) -> TaskComparison:
    a, b = _scores(x for x, _ in pairs), _scores(y for _, y in pairs)
    clusters = _clusters(x for x, _ in pairs)
    paired = paired_difference(a, b, clusters)
    counts = discordance(a, b) if is_binary(a) and is_binary(b) else None
    lower, upper, method = _interval(paired, counts, [x - y for x, y in zip(a, b, strict=True)], clusters)
    higher, margin = terms["direction"] == "higher", float(terms["margin"])
    return TaskComparison(
        task=terms["task"], metric=terms["metric"], higher_is_better=higher, margin=margin, n=paired.n,
        score_a=paired.mean_a, score_b=paired.mean_b, difference=paired.difference, se=paired.se,
        lower=lower, upper=upper, method=method, n10=counts.n10 if counts else None, n01=counts.n01 if counts else None,
        p=counts.p if counts and clusters is None else paired.p,
        correlation=paired.correlation, verdict=verdict(lower, upper, margin, higher_is_better=higher),
        n_needed=_n_needed(paired, counts, margin),
        warnings=(*warnings, *_reading_warnings(paired, terms, higher)), discordant=tuple(_discordant(pairs)),
    )  # fmt: skip


def _scores(items: Iterable[Item]) -> list[float]:
    return [float(item["score"]) for item in items]


def _clusters(items: Iterable[Item]) -> list[str] | None:
    """Each item's cluster, an item without one being its own; None when no item names any."""
    rows = list(items)
    if not any("cluster" in row for row in rows):
        return None
    return [f"cluster {row['cluster']}" if "cluster" in row else f"item {row['item']}" for row in rows]


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
    if clusters is not None and len(set(clusters)) < FEW_CLUSTERS:
        drawn = bootstrap(differences, seed=BOOTSTRAP_SEED, clusters=clusters)
        return drawn.lower, drawn.upper, f"cluster bootstrap, {drawn.rounds} rounds, seed {drawn.seed}"
    return paired.lower, paired.upper, "paired" if clusters is None else "clustered"


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


def _discordant(pairs: Iterable[tuple[Item, Item]]) -> Iterable[DiscordantItem]:
    for x, y in pairs:
        if x["score"] != y["score"]:
            yield DiscordantItem(
                x["item"], x["item_hash"], x["score"], y["score"], x["response"], y["response"]
            )


def _doubled_warning(doubled: set[str]) -> Iterable[str]:
    if doubled:
        yield f"Counted once although the suite holds them more than once: {_names(doubled)}."


def _dropped_warnings(only_a: Sequence[Item], only_b: Sequence[Item]) -> Iterable[str]:
    for side, items in (("a", only_a), ("b", only_b)):
        if items:
            yield f"Left out because only {side} was asked: {_names(str(item['item']) for item in items)}."


def _reading_warnings(paired: PairedDifference, terms: Mapping[str, Any], higher: bool) -> Iterable[str]:
    errors = [1 - score if higher else score for score in (paired.mean_a, paired.mean_b)]
    if max(errors) < 1 - CEILING:
        ratio = (
            f"the error rates' ratio is {text(errors[0] / errors[1])}" if errors[1] else "b makes no error"
        )
        yield f"Ceiling: both models are above {CEILING:.0%}, so differences are squeezed; {ratio}."
    if paired.clusters is not None and paired.clusters < FEW_CLUSTERS:
        yield f"Only {paired.clusters} clusters: too few for the clustered error, so whole clusters were resampled."
    if (terms.get("generation") or {}).get("do_sample"):
        yield "Responses were sampled once at a temperature above 0: the sampling adds noise that no interval shows."


def _whole_warnings(a: Measured, b: Measured, unshared: Iterable[str]) -> Iterable[str]:
    limits = [side.results.get("limit") for side in (a, b)]
    if any(limit is not None for limit in limits):
        yield f"A limit on items was set ({limits[0]} for a, {limits[1]} for b): this is a trial, not a measurement."
    if names := sorted(unshared):
        yield f"Not compared because only one side ran them: {', '.join(names)}."
    for field in ("harness", "libraries", "dtype", "batch_size", "device"):
        if a.results.get(field) != b.results.get(field):
            yield f"The {field} differs: {a.results.get(field)} for a, {b.results.get(field)} for b."


def _names(ids: Iterable[str], shown: int = 5) -> str:
    names = sorted(ids)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{len(names)} ({', '.join(names[:shown])}{more})"
