"""The stage `contamination`: its result checked, what the ledger is told of it, the datasets that it made, and found again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.harness.contamination_params import Params
from governance.ledger.canonical import CanonicalError, loads_canonical
from governance.registry import blobs, datasets, lookup
from governance.registry.kinds.base import Hex, faults
from governance.registry.models import Activity, Version
from training import states as run_states
from training.methods import RoleSpec
from training.models import Run
from training.outcome import BadResult, Result
from training.spec import PinnedInput
from training.stages import Finished, Product, StageKind

KIND = "contamination"
"""Name of the stage, and kind of the activities that searches are."""
SEARCHED, EVALUATIONS = "searched", "evaluations"
REPORT, HITS = "report.json", "hits.jsonl"
NOT_INHERITED = frozenset(
    ("files", "rows", "rows_digest", "stated_rows", "sum_difference_reason", "derived_from", "processing", "gaps")
)  # fmt: skip
"""What of a dataset's record is not as true of the rows that are left."""
LONGEST_STEP = 1_000
"""Characters of a processing step's `implementation`."""


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


class BySuite(_Part):
    suite: str
    suite_digest: Hex
    rows: int


class Removal(_Part):
    """What was taken out of one dataset."""

    dataset: str
    dataset_digest: Hex
    rows_removed: int
    rows_left: int
    by_suite: list[BySuite]
    """A row may stand for several suites."""
    file: str | None
    removed_file: str | None


class Report(_Part):
    """`report.json`, as evals/harness/contamination.py writes it."""

    rule: Rule
    action: str
    searches: list[Search]
    removed: list[Removal]
    hits_sha256: Hex


def results_of(run: Run, result: Result, outputs: Path) -> Finished:
    """The summary of a search, and the datasets without the rows that were removed.

    Of a pair with a restricted version the summary says only that it was searched; the report has its counts. Raises
    BadResult where the files do not belong to the run or to each other.
    """
    digests = {row["path"]: row["sha256"] for row in result.manifest}
    report = _read(outputs / REPORT)
    spec = run.parsed
    _check_pairs(report, spec.inputs[SEARCHED], spec.inputs[EVALUATIONS])
    if digests.get(HITS) != report.hits_sha256:
        raise BadResult(f"The {HITS} that the search left is not the one that its report speaks of.")
    restricted = {
        pin.digest
        for pin in (*spec.inputs[SEARCHED], *spec.inputs[EVALUATIONS])
        if lookup.by_digest(pin.digest).restricted
    }
    products = [_product(one, report, result, outputs, restricted) for one in report.removed if one.file]
    summary = {
        "rule": report.rule.model_dump(),
        "action": report.action,
        "searches": [_told(one, report.action, restricted) for one in report.searches],
        "removed": [_told_removal(one, digests, restricted) for one in report.removed],
        "hits_sha256": report.hits_sha256,
        "report_sha256": digests[REPORT],
    }
    return Finished(products, summary)


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


def _check_pairs(report: Report, searched: Sequence[PinnedInput], suites: Sequence[PinnedInput]) -> None:
    wanted = {(one.digest, other.digest) for one in searched for other in suites}
    found = [(one.dataset_digest, one.suite_digest) for one in report.searches]
    if set(found) != wanted or len(found) != len(wanted):
        raise BadResult(f"The run asked for {len(wanted)} searches, and the report has others.")


def _told(search: Search, action: str, restricted: set[str]) -> dict[str, Any]:
    """What the ledger is told of one pair. After a removal no item is contaminated by the rows that are left: a row's match
    depends on no other row."""
    named = search.model_dump(include={"dataset", "dataset_digest", "suite", "suite_digest"})
    if restricted & {search.dataset_digest, search.suite_digest}:
        return {**named, "withheld": True}
    left = {"contaminated_left": 0} if action == "remove" else {}
    return {**search.model_dump(), **left}


def _told_removal(removal: Removal, digests: Mapping[str, str], restricted: set[str]) -> dict[str, Any]:
    named = removal.model_dump(include={"dataset", "dataset_digest"})
    if removal.dataset_digest in restricted:
        return {**named, "withheld": True}
    told: dict[str, Any] = {
        **named,
        "rows_removed": removal.rows_removed,
        "rows_left": removal.rows_left,
        "by_suite": [one.model_dump() for one in removal.by_suite if one.suite_digest not in restricted],
    }
    if removal.removed_file is not None:
        told["removed_sha256"] = digests[removal.removed_file]
    return told


def _product(
    removal: Removal, report: Report, result: Result, outputs: Path, restricted: set[str]
) -> Product:
    """The next version of a dataset: the rows that are left, and all else that its record said. Raises BadResult."""
    source = lookup.by_digest(removal.dataset_digest)
    before = source.content or {}
    entry = next(row for row in result.manifest if row["path"] == removal.file)
    found = _inspected(outputs / str(removal.file), before, removal.rows_left)
    content: dict[str, Any] = {
        **{name: value for name, value in before.items() if name not in NOT_INHERITED},
        "format": found.format,
        "rows": found.rows,
        "rows_digest": found.rows_digest,
        "derived_from": [{"subject": source.subject, "digest": source.digest}],
        "processing": [*before.get("processing", []), _step(removal, report.rule, restricted)],
        "gaps": [gap for gap in before.get("gaps", []) if gap["field"] not in ("processing", "derived_from")],
        "files": [{**entry, "path": f"{source.artifact.slug}.jsonl"}],
    }
    return Product(
        "output",
        "dataset",
        source.artifact.slug,
        source.artifact.title,
        content,
        restricted=source.restricted,
    )


def _inspected(path: Path, before: Mapping[str, Any], told: int) -> datasets.Inspection:
    try:
        found = datasets.inspect(path, columns=before.get("columns"), format=before["format"])
    except (datasets.BadData, OSError) as error:
        raise BadResult(f"The rows that are left cannot be read: {error}.") from error
    if found.rows != told:
        raise BadResult(f"The job says that {told} rows are left, and {path.name} holds {found.rows}.")
    return found


def _step(removal: Removal, rule: Rule, restricted: set[str]) -> dict[str, Any]:
    by_suite = "; ".join(
        one.suite if one.suite_digest in restricted else f"{one.suite}: {one.rows} rows"
        for one in removal.by_suite
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
    return [
        one
        for one in activity.summary["searches"]
        if version.digest in (one["dataset_digest"], one["suite_digest"])
    ]


def report_of(activity: Activity) -> Report:
    """All that an ended search counted. Raises MissingBlob, ValidationError."""
    return Report.model_validate(json.loads(blobs.read(activity.summary["report_sha256"])))


def hits_in(sha256: str, dataset: str, suite: str) -> Iterator[tuple[str, str]]:
    """(task, item) of each listed hit of a pair; an item once for each row. Raises MissingBlob."""
    with blobs.opened(sha256) as lines:
        for line in lines:
            hit = json.loads(line)
            if (hit["dataset"], hit["suite"]) == (dataset, suite):
                yield hit["task"], hit["item"]


def unfinished(version: Version) -> Run | None:
    """A search that this dataset is in and that is queued or running."""
    runs = Run.objects.filter(stage=KIND).exclude(state__in=run_states.ENDED).order_by("-created_at")
    named = (
        run for run in runs[:200] for pin in run.spec["inputs"][SEARCHED] if pin["digest"] == version.digest
    )
    return next(named, None)


def order(searched: Sequence[str], against: Sequence[str], *, seed: int = 0, **params: Any) -> dict[str, Any]:
    """The spec of a search, as a person would write it; parameters that are None are left out."""
    return {
        "stage": KIND,
        "inputs": {SEARCHED: list(searched), EVALUATIONS: list(against)},
        "params": {name: value for name, value in params.items() if value is not None},
        "seed": seed,
    }


STAGE = StageKind(
    name=KIND,
    title="Contamination search",
    params=Params,
    roles={SEARCHED: RoleSpec(("dataset",), many=True), EVALUATIONS: RoleSpec(("eval-suite",), many=True)},
    module="evals.harness.contamination",
    activity_kind=KIND,
    finish=results_of,
)
