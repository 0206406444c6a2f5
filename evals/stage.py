"""The stage `evaluate`, and what its activity says once the job's files are checked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.cautions import SERVED
from evals.harness.asking import why_not
from evals.harness.params import Params
from governance.ledger.canonical import CanonicalError, loads_canonical
from governance.registry import lookup
from governance.registry.kinds.base import Hex, faults
from governance.registry.models import Version
from training.methods import RoleSpec
from training.models import Run
from training.outcome import BadResult, Result
from training.spec import RunSpec
from training.stages import Finished, StageKind

EVALUATED, EVALUATED_ON = "evaluated", "evaluated_on"
ITEMS, RESULTS = "items.jsonl", "results.json"
TOLD = ("harness", "chat_template_sha256", "system_instruction_sha256", "limit", "results", "items_rows")
ABOUT_THE_JOB = ("libraries", "dtype", "batch_size", "device")


class _Loose(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class _Pinned(_Loose):
    digest: Hex


class _Task(_Loose):
    task: str
    n: int


class Results(_Loose):
    """What of `results.json` is checked before it is believed; evals/harness writes the rest of it."""

    model: _Pinned
    suite: _Pinned
    harness: dict[str, str]
    results: list[_Task]
    items_rows: int
    items_sha256: Hex


def results_of(run: Run, result: Result, outputs: Path) -> Finished:
    """The summary of an evaluation: settings, results, and the digests of its two files, which the worker stores.

    Raises BadResult where the files do not belong to the run or to each other.
    """
    digests = {row["path"]: row["sha256"] for row in result.manifest}
    found = _read(outputs / RESULTS)
    _check(_parsed(found), digests.get(ITEMS), run.parsed, outputs / ITEMS)
    summary = {name: found.get(name) for name in TOLD}
    summary["job"] = {name: found.get(name) for name in ABOUT_THE_JOB}
    if SERVED in found:
        summary[SERVED] = found[SERVED]
    return Finished([], {**summary, "items_sha256": digests[ITEMS], "results_sha256": digests[RESULTS]})


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(loads_canonical(path.read_bytes()))
    except FileNotFoundError as error:
        raise BadResult(f"The evaluation left no {RESULTS}. Retry the run.") from error
    except (CanonicalError, TypeError, ValueError) as error:
        raise BadResult(f"The evaluation's {RESULTS} cannot be read: {error}.") from error


def _parsed(found: dict[str, Any]) -> Results:
    try:
        return Results.model_validate(found)
    except ValidationError as error:
        field, rule = next(iter(faults(error)))
        raise BadResult(f"The evaluation's {RESULTS} is not as agreed: {field}: {rule}.") from error


def _check(found: Results, items_sha256: str | None, spec: RunSpec, items: Path) -> None:
    for role, named in ((EVALUATED, found.model), (EVALUATED_ON, found.suite)):
        if named.digest != spec.inputs[role][0].digest:
            raise BadResult(
                f"The results speak of the digest {named.digest} as {role}, and the run asked for another."
            )
    if items_sha256 is None or found.items_sha256 != items_sha256:
        raise BadResult(f"The {ITEMS} that the evaluation left is not the one that its results speak of.")
    _check_counts(found, items)
    _check_tasks(found, spec.inputs[EVALUATED_ON][0].digest)


def _check_counts(found: Results, items: Path) -> None:
    counted, told = Counter(_tasks_in(items)), {task.task: task.n for task in found.results}
    if dict(counted) != told or counted.total() != found.items_rows:
        raise BadResult(
            f"The results count {told} items by task, and {ITEMS} holds {dict(sorted(counted.items()))}."
        )


def _tasks_in(items: Path) -> Iterator[str]:
    with items.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield loads_canonical(line.removesuffix(b"\n"))["task"]
            except (CanonicalError, KeyError, TypeError) as error:
                raise BadResult(f"Line {number} of {ITEMS} is no scored item: {error}.") from error


def _check_tasks(found: Results, digest: str) -> None:
    wanted = {task["name"] for task in (lookup.by_digest(digest).content or {})["tasks"]}
    measured = {task.task for task in found.results}
    if wanted != measured:
        raise BadResult(f"The suite has the tasks {sorted(wanted)}, and the results {sorted(measured)}.")


def refuses(params: Mapping[str, Any], versions: Mapping[str, Sequence[Version]]) -> str:
    """Why these tasks cannot be sampled as the parameters ask; empty when they can."""
    suite, model = (versions[role][0].content or {} for role in (EVALUATED_ON, EVALUATED))
    reason = why_not(Params.model_validate(params), suite["tasks"], model.get("endpoint"))
    return reason and f"params.temperature: {reason}"


def needs_device(versions: Mapping[str, Sequence[Version]]) -> bool:
    """Not where the model is only asked at an address."""
    return not (versions[EVALUATED][0].content or {}).get("endpoint")


STAGE = StageKind(
    name="evaluate",
    title="Evaluation",
    params=Params,
    roles={EVALUATED: RoleSpec(("model",), served=True), EVALUATED_ON: RoleSpec(("eval-suite",))},
    module="evals.harness.job",
    activity_kind="evaluation",
    finish=results_of,
    refuses=refuses,
    needs_device=needs_device,
)
