"""What evidence says of contamination: which datasets were searched for the items of which suites, and what was found."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evals import contamination
from evals.contamination import SEARCHED, Pin
from evals.records import StoredItems
from evals.statistics.clean_split import split
from evals.statistics.decimals import text
from governance.evidence.build import derived, gap, human, in_content, recorded
from governance.evidence.facts import Fact
from governance.evidence.records import Edge, Sealed, Step
from governance.evidence.registry_facts.evaluation import task_key
from governance.evidence.view import View
from governance.registry.blobs import MissingBlob
from governance.registry.models import Production, Usage

KEY, DONE = "contamination", "decontamination"
FIGURES = {
    "contaminated": "items",
    "items": "items",
    "share": "share",
    "short_items": "items",
    "rows_hit": "rows",
}
LABELS = {
    "contaminated": "contaminated items", "contaminated_left": "contaminated items", "short_items": "items compared as a whole",
    "rows_hit": "rows that hold an item", "flagged": "above the threshold of a set",
}  # fmt: skip
TOO_FEW = "The scores are fractions, and an interval of their difference needs 2 items on each side."
RULE = {"name": None, "unit": None, "n": "units", "share": "share", "set_threshold": "share"}


class Told(NamedTuple):
    """Where a search's summary speaks of one pair of dataset and suite."""

    step: Step
    place: int
    is_left: bool
    """Whether the dataset is what a removal left of the one that was searched."""

    @property
    def summary(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.step.summary["searches"][self.place]
        return found


def facts(view: View) -> Iterator[Fact]:
    """Per dataset the searches it was in (`decontamination`); per dataset and suite of a model's evaluations what was found, or
    that no search is recorded (`contamination`); and the scores on clean items."""
    if not view.datasets:
        return
    told = _searches(view)
    for number, dataset in enumerate(view.datasets, 1):
        for place, one in enumerate(told[_pin(dataset)].values(), 1):
            yield from _done(f"{DONE}.{number}_{place}", one)
    if view.model is None:
        return
    suites = view.versions((edge.subject, edge.digest) for _, edge in view.evaluations)
    taken: set[str] = set()
    for place, (step, edge) in enumerate(view.evaluations, 1):
        for number, dataset in enumerate(view.datasets, 1):
            key = f"{KEY}.{number}_{place}"
            found = told[_pin(dataset)].get((edge.subject, edge.digest))
            yield from _pair(key, dataset, edge, found)
            if suite := suites.get(edge.subject):
                yield from _same_source(key, number, dataset, suite)
        keys = {
            str(one["task"]): task_key(str(one["task"]), edge, taken)
            for one in step.summary.get("results") or []
        }
        yield from _clean(
            place,
            step,
            edge,
            keys,
            [told[_pin(one)].get((edge.subject, edge.digest)) for one in view.datasets],
        )


def _pin(sealed: Sealed) -> Pin:
    return sealed.subject, sealed.digest


def _searches(view: View) -> dict[Pin, dict[Pin, Told]]:
    """Dataset → suite → the newest search; a dataset that a removal left has those of the one it is left of."""
    versions = [dataset.version for dataset in view.datasets]
    ids = [
        *Usage.objects.filter(version__in=versions, role=SEARCHED).values_list("activity_id", flat=True),
        *Production.objects.filter(version__in=versions, activity__kind=contamination.KIND).values_list(
            "activity_id", flat=True
        ),
    ]
    found: dict[Pin, dict[Pin, Told]] = defaultdict(dict)
    steps = [step for step in view.steps(ids) if step.record.state["kind"] == contamination.KIND]
    for step in sorted(steps, key=lambda step: step.record.entry_index):
        for dataset in view.datasets:
            for place, one in enumerate(step.summary["searches"]):
                for source, is_left in _sources(dataset, step):
                    if (one["dataset"], one["dataset_digest"]) == source:
                        found[_pin(dataset)][one["suite"], one["suite_digest"]] = Told(step, place, is_left)
    return found


def _sources(dataset: Sealed, step: Step) -> Iterator[tuple[Pin, bool]]:
    """What of a search speaks of this dataset: itself, or the one that it is left of."""
    yield _pin(dataset), False
    if not dataset.erased and any((edge.subject, edge.digest) == _pin(dataset) for edge in step.produced):
        yield from (
            ((ref["subject"], ref["digest"]), True) for ref in dataset.content.get("derived_from", [])
        )


def _figure(key: str, label: str, told: Told, at: str, unit: str | None = None) -> Iterator[Fact]:
    yield from recorded(
        key, label, told.step.record, f"/state/summary/{at}", assurance=told.step.assurance, unit=unit
    )


def _done(key: str, told: Told) -> Iterator[Fact]:
    """That a dataset was searched, by which rule, and what was taken out."""
    at = f"searches/{told.place}"
    yield from _figure(f"{key}.dataset", "searched", told, f"{at}/dataset")
    yield from _figure(f"{key}.suite", "for the items of", told, f"{at}/suite")
    yield from _figure(f"{key}.action", "action", told, "action")
    for name, unit in RULE.items():
        yield from _figure(f"{key}.rule_{name}", f"rule: {human(name)}", told, f"rule/{name}", unit)
    for number, one in enumerate(told.step.summary["removed"]):
        if one["dataset"] == told.summary["dataset"]:
            yield from _figure(
                f"{key}.rows_removed", "rows removed", told, f"removed/{number}/rows_removed", "rows"
            )
            yield from _figure(f"{key}.rows_left", "rows left", told, f"removed/{number}/rows_left", "rows")


def _pair(key: str, dataset: Sealed, edge: Edge, told: Told | None) -> Iterator[Fact]:
    label = LABELS["contaminated"]
    if told is None:
        reason = f"No search of {dataset.subject} for items of {edge.subject} is recorded."
        yield gap(f"{key}.contaminated", label, "not_recorded", reason)
        return
    at = f"searches/{told.place}"
    yield from _figure(f"{key}.dataset", "searched", told, f"{at}/dataset")
    yield from _figure(f"{key}.suite", "for the items of", told, f"{at}/suite")
    yield from _figure(f"{key}.run", "run", told, "run")
    if told.summary.get("withheld"):
        reason = f"{dataset.subject} or {edge.subject} is restricted."
        yield gap(f"{key}.contaminated", label, "withheld", reason, dataset.owner)
    elif told.is_left:
        yield from _figure(f"{key}.contaminated", label, told, f"{at}/contaminated_left", "items")
        yield from _figure(f"{key}.items", "items", told, f"{at}/items", "items")
    else:
        for name, unit in FIGURES.items():
            yield from _figure(f"{key}.{name}", LABELS.get(name, human(name)), told, f"{at}/{name}", unit)
        yield from _figure(f"{key}.flagged", LABELS["flagged"], told, f"{at}/flagged")


def _same_source(key: str, number: int, dataset: Sealed, suite: Sealed) -> Iterator[Fact]:
    """That a dataset and a suite say the same of where they come from: then training was on the evaluation's own distribution."""
    theirs = list(in_content(f"{key}.suite_source", "source of the suite", suite, "/source"))
    ours = list(in_content(f"provenance.{number}.source", "source", dataset, "/source"))
    if theirs and ours and not theirs[0].is_empty and not ours[0].is_empty and _alike(theirs[0], ours[0]):
        yield from theirs
        yield derived(
            f"{key}.same_source",
            "trained on the source of the evaluation",
            "same_text",
            [*ours, *theirs],
            True,
        )


def _alike(one: Fact, other: Fact) -> bool:
    return " ".join(str(one.value).split()).casefold() == " ".join(str(other.value).split()).casefold()


def _clean(
    place: int, step: Step, edge: Edge, keys: Mapping[str, str], told: Sequence[Told | None]
) -> Iterator[Fact]:
    """Scores on clean items, and contaminated minus clean: where every dataset was searched and both files are there."""
    known = [one for one in told if one and not one.summary.get("withheld")]
    sha256 = step.summary.get("items_sha256")
    if not sha256 or len(known) < len(told):
        return
    inputs = list(_digest(f"reproducibility.{place}.items_sha256", step, "items_sha256"))
    try:
        items: dict[str, set[str]] = defaultdict(set)
        for number, one in enumerate(known, 1):
            hits = list(_digest(f"{KEY}.suite_{place}.hits_{number}", one.step, "hits_sha256"))
            yield from hits
            inputs += hits
            for task, item in _hits(one, edge.subject):
                items[task].add(item)
        scores: dict[str, dict[str, float]] = defaultdict(dict)
        for row in StoredItems(str(sha256)):
            scores[row["task"]][row["item"]] = float(row["score"])
    except MissingBlob:
        return
    for task, key in keys.items():
        yield from _task(f"{KEY}.{key}", scores[task], items[task], inputs)


def _hits(told: Told, suite: str) -> Iterator[tuple[str, str]]:
    """What contaminates the dataset that is spoken of: nothing, once those rows were removed."""
    return (
        iter(())
        if told.is_left
        else contamination.hits_in(told.step.summary["hits_sha256"], told.summary["dataset"], suite)
    )


def _task(key: str, scores: Mapping[str, float], items: set[str], inputs: Sequence[Fact]) -> Iterator[Fact]:
    found = split(scores, items)
    if found is None:
        return
    function = "clean_split"
    for name, value in (("n_clean", found.n_clean), ("n_contaminated", found.n_contaminated)):
        yield derived(f"{key}.{name}", human(name), function, inputs, value, "items")
    for name, label, share in (
        ("score_clean", "score on clean items", found.score_clean),
        ("all_minus_clean", "score minus score on clean items", found.score_all - found.score_clean),
        ("difference", "contaminated minus clean", found.difference),
    ):
        yield derived(f"{key}.{name}", label, function, inputs, text(share), "share")
    for place, (name, label) in enumerate((("ci_low", "interval from"), ("ci_high", "interval to"))):
        if found.bounds:
            yield derived(f"{key}.{name}", label, function, inputs, text(found.bounds[place]), "share")
        else:
            yield gap(f"{key}.{name}", label, "not_applicable", TOO_FEW)


def _digest(key: str, step: Step, name: str) -> Iterator[Fact]:
    yield from recorded(key, human(name), step.record, f"/state/summary/{name}", assurance=step.assurance)
