"""The stage `contamination`: its result checked, what the ledger is told of it, the datasets that it made, and found again."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.harness.contamination_params import Params
from evals.records import StoredItems, checked
from governance.ledger.canonical import CanonicalError, loads_canonical
from governance.registry import datasets, lookup, states
from governance.registry.kinds.base import Hex, faults
from governance.registry.models import Activity, Version
from training.methods import RoleSpec
from training.models import Run
from training.outcome import BadResult, Result
from training.spec import RunSpec
from training.stages import Finished, Product, StageKind

KIND = "contamination"
"""Name of the stage, and kind of the activities that searches are."""
CALLED = "contamination search"
SEARCHED, EVALUATIONS = "searched", "evaluations"
REPORT, HITS, REMOVED = "report.json", "hits.jsonl", "removed.jsonl"
NOT_INHERITED = frozenset(
    ("files", "rows", "rows_digest", "stated_rows", "sum_difference_reason", "derived_from", "processing", "gaps")
)  # fmt: skip
"""What of a dataset's record is not as true of the rows that are left."""
LONGEST_STEP = 1_000
"""Characters of a processing step's `implementation`."""

Pin = tuple[str, str]
"""A version by subject and digest: versions of two artifacts that hold the same have the same digest."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Rule(_Part):
    name: str
    unit: str
    n: int
    share: str
    set_threshold: str


class Counts(_Part):
    items: int = Field(ge=0)
    short_items: int
    """Items of fewer than n units, which were compared as a whole."""
    sharing: int
    """Items that share at least one run with a row."""
    contaminated: int
    share: str
    flagged: bool


class TaskCounts(Counts):
    task: str


class Search(Counts):
    """One dataset searched for the items of one suite."""

    dataset: str
    dataset_digest: Hex
    rows: int
    rows_without_text: int
    """Rows in which no user says anything."""
    suite: str
    suite_digest: Hex
    rows_hit: int
    tasks: list[TaskCounts]

    @property
    def pair(self) -> tuple[Pin, Pin]:
        return (self.dataset, self.dataset_digest), (self.suite, self.suite_digest)


class BySuite(_Part):
    suite: str
    suite_digest: Hex
    rows: int

    @property
    def pin(self) -> Pin:
        return self.suite, self.suite_digest


class Removal(_Part):
    """What was taken out of one dataset."""

    dataset: str
    dataset_digest: Hex
    rows_removed: int
    rows_left: int
    by_suite: list[BySuite]
    """A row may stand for several suites."""
    file: str | None
    """With the rows that are left; none where no row was removed."""

    @property
    def pin(self) -> Pin:
        return self.dataset, self.dataset_digest

    @property
    def pins(self) -> set[Pin]:
        """The dataset, and the suites by which its rows were chosen: which rows are gone tells of both."""
        return {self.pin, *(one.pin for one in self.by_suite)}


class Report(_Part):
    """`report.json`, as evals/harness/contamination.py writes it."""

    rule: Rule
    action: Literal["mark", "remove"]
    searches: list[Search]
    removed: list[Removal]
    hits_sha256: Hex
    removed_sha256: Hex | None


def results_of(run: Run, result: Result, outputs: Path) -> Finished:
    """The summary of a search, and the datasets without the rows that were removed.

    Of what a restricted version had a part in the summary says only that it was done; the report has its counts. Raises
    BadResult where the files do not belong to the run or to each other, and where a removal would take back newer work.
    """
    digests = {row["path"]: row["sha256"] for row in result.manifest}
    report = _read(outputs / REPORT)
    pins = _pins(run.parsed)
    _check(report, pins, digests)
    versions = {pin: lookup.find(pin[0]) for role in pins.values() for pin in role}
    restricted = {pin for pin, version in versions.items() if version.restricted}
    made = [one for one in report.removed if one.file]
    products = [_product(one, versions[one.pin], report.rule, result, outputs, restricted) for one in made]
    summary = {
        "rule": report.rule.model_dump(),
        "action": report.action,
        "searches": [_told(one, report.action, restricted) for one in report.searches],
        "removed": [_told_removal(one, restricted) for one in report.removed],
        "hits_sha256": report.hits_sha256,
        "report_sha256": digests[REPORT],
        **({"removed_sha256": report.removed_sha256} if report.removed_sha256 else {}),
    }
    return Finished(products, summary)


def _pins(spec: RunSpec) -> dict[str, list[Pin]]:
    return {
        role: [(one.subject, one.digest) for one in spec.inputs[role]] for role in (SEARCHED, EVALUATIONS)
    }


def _read(path: Path) -> Report:
    try:
        return Report.model_validate(loads_canonical(path.read_bytes()))
    except FileNotFoundError as error:
        raise BadResult(f"The search left no {REPORT}. Retry the run.") from error
    except CanonicalError as error:
        raise BadResult(f"The search's {REPORT} cannot be read: {error}.") from error
    except ValidationError as error:
        field, rule = next(iter(faults(error)))
        raise BadResult(f"The search's {REPORT} is not as agreed: {field}: {rule}.") from error


def _check(report: Report, pins: Mapping[str, Sequence[Pin]], digests: Mapping[str, str]) -> None:
    wanted = [(one, other) for one in pins[SEARCHED] for other in pins[EVALUATIONS]]
    if sorted(one.pair for one in report.searches) != sorted(wanted):
        raise BadResult(f"The run asked for {len(wanted)} searches, and the report has others.")
    parted = pins[SEARCHED] if report.action == "remove" else []
    reasons = [(one.pin, other.pin) for one in report.removed for other in one.by_suite]
    if sorted(reasons) != sorted((one, other) for one in parted for other in pins[EVALUATIONS]):
        raise BadResult(f"Rows were to be removed from {len(parted)} datasets, and the report has others.")
    for name, told in ((HITS, report.hits_sha256), (REMOVED, report.removed_sha256)):
        if digests.get(name) != told:
            raise BadResult(f"The {name} that the search left is not the one that its report speaks of.")


def _told(search: Search, action: str, restricted: set[Pin]) -> dict[str, Any]:
    """What the ledger is told of one pair. After a removal no item is contaminated by the rows that are left: a row's match
    depends on no other row."""
    named = search.model_dump(include={"dataset", "dataset_digest", "suite", "suite_digest"})
    if restricted.intersection(search.pair):
        return {**named, "withheld": True}
    left = {"contaminated_left": 0} if action == "remove" else {}
    return {**search.model_dump(), **left}


def _told_removal(removal: Removal, restricted: set[Pin]) -> dict[str, Any]:
    if restricted & removal.pins:
        return {**removal.model_dump(include={"dataset", "dataset_digest"}), "withheld": True}
    return removal.model_dump(exclude={"file"})


def _product(
    removal: Removal, source: Version, rule: Rule, result: Result, outputs: Path, restricted: set[Pin]
) -> Product:
    """The next version of a dataset: the rows that are left, and all else that its record said. It is restricted if the
    dataset or any of the suites is. Raises BadResult."""
    _check_newest(source)
    before = source.content or {}
    found = _inspected(outputs / str(removal.file), before, removal.rows_left)
    entry = next(row for row in result.manifest if row["path"] == removal.file)
    content: dict[str, Any] = {
        **{name: value for name, value in before.items() if name not in NOT_INHERITED},
        "format": found.format,
        "rows": found.rows,
        "rows_digest": found.rows_digest,
        "derived_from": [{"subject": source.subject, "digest": source.digest}],
        "processing": [*before.get("processing", []), _step(removal, rule, restricted)],
        "gaps": [gap for gap in before.get("gaps", []) if gap["field"] not in ("processing", "derived_from")],
        "files": [{**entry, "path": f"{source.artifact.slug}.jsonl"}],
    }
    return Product(
        "output",
        "dataset",
        source.artifact.slug,
        source.artifact.title,
        content,
        restricted=bool(restricted & removal.pins),
    )


def _check_newest(source: Version) -> None:
    """Whoever names a dataset without a number gets its newest version: that may not be an older one with fewer rows."""
    later = source.artifact.versions.filter(number__gt=source.number, state__in=states.USABLE)
    if newer := later.order_by("-number").first():
        raise BadResult(
            f"{newer.subject} is newer than {source.subject}, and what is left of the older one would take its place. "
            f"Remove the rows from {newer.subject}, or use the action mark."
        )


def _inspected(path: Path, before: Mapping[str, Any], told: int) -> datasets.Inspection:
    try:
        found = datasets.inspect(path, columns=before.get("columns"), format=before["format"])
    except (datasets.BadData, OSError) as error:
        raise BadResult(f"The rows that are left cannot be read: {error}.") from error
    if found.rows != told:
        raise BadResult(f"The job says that {told} rows are left, and {path.name} holds {found.rows}.")
    return found


def _step(removal: Removal, rule: Rule, restricted: set[Pin]) -> dict[str, Any]:
    by_suite = "; ".join(
        one.suite if one.pin in restricted else f"{one.suite}: {one.rows} rows" for one in removal.by_suite
    )
    told = f"stage contamination, rule {rule.name} (n {rule.n}, share {rule.share}): {by_suite}"
    return {
        "method": f"decontamination by runs of {rule.n} {rule.unit}s",
        "purpose": "no row holds an item of these evaluations",
        "implementation": told if len(told) <= LONGEST_STEP else f"{told[: LONGEST_STEP - 1]}…",
        "rows_removed": removal.rows_removed,
    }


def of_version(version: Version) -> QuerySet[Activity]:
    """Ended searches of a dataset, or with a suite, newest first."""
    found = Activity.objects.filter(kind=KIND, state=Activity.ENDED, usages__version=version)
    return found.order_by("-ended_at", "-id").distinct()


def pairs_with(activity: Activity, version: Version) -> list[dict[str, Any]]:
    """What a search's summary says of the pairs that a dataset or a suite stands in."""
    return [one for one in activity.summary["searches"] if version.subject in (one["dataset"], one["suite"])]


def report_of(activity: Activity) -> Report:
    """All that an ended search counted. Raises MissingBlob, and Inconsistent where the file is not the one that was recorded."""
    return Report.model_validate(loads_canonical(checked(activity.summary["report_sha256"])))


def hits_in(sha256: str, dataset: str, suite: str) -> Iterator[tuple[str, str]]:
    """(task, item) of each listed hit of a pair; an item once for each row. Raises MissingBlob, and at the end Inconsistent
    where the file is not the one that was recorded."""
    of_pair = StoredItems(sha256, lambda hit: (hit["dataset"], hit["suite"]) == (dataset, suite))
    return ((hit["task"], hit["item"]) for hit in of_pair)


def order(searched: Sequence[str], against: Sequence[str], **params: Any) -> dict[str, Any]:
    """The spec of a search, as a person would write it; parameters that are None are left out."""
    return {
        "stage": KIND,
        "inputs": {SEARCHED: list(searched), EVALUATIONS: list(against)},
        "params": {name: value for name, value in params.items() if value is not None},
    }


STAGE = StageKind(
    name=KIND,
    title="Contamination search",
    params=Params,
    roles={SEARCHED: RoleSpec(("dataset",), many=True), EVALUATIONS: RoleSpec(("eval-suite",), many=True)},
    module="evals.harness.contamination",
    activity_kind=KIND,
    finish=results_of,
    needs_device=lambda _: False,
)
