"""The dataset that a `pairs` stage made: what its rows are, and what it has from the rankings that they come from."""

from pathlib import Path
from typing import Any

from governance.registry import datasets, lookup
from training.methods import pairs
from training.models import Run
from training.outcome import BadResult, Result
from training.stages import Finished, Product, StageKind

FILE = "pairs.jsonl"
INHERITED = (
    "licence", "source_type", "source", "crawlers", "user_data", "licensed", "synthetic", "languages", "domains", "annotators",
    "guidelines", "label_source", "personal_data", "sensitive", "illegal_content", "unsuitable_bias",
)  # fmt: skip
"""What is as true of the pairs as of the rankings."""


def pairs_from(run: Run, result: Result, outputs: Path) -> Finished:
    """The dataset version that a run of `pairs` made; restricted if its source is. Raises BadResult where the counts differ."""
    spec = run.parsed
    pin = spec.inputs[pairs.SOURCE][0]
    before = lookup.find(pin.subject).content or {}
    found = _inspected(outputs / FILE, result.summary.get("pairs"))
    content: dict[str, Any] = {
        **{name: before[name] for name in INHERITED if name in before},
        "description": f"Preference pairs from {pin.subject}: every two answers of different rank.",
        "format": found.format,
        "conversational": found.conversational,
        "rows": found.rows,
        "rows_digest": found.rows_digest,
        "derived_from": [{"subject": pin.subject, "digest": pin.digest}],
        "processing": [*before.get("processing", []), _step(result.summary)],
        "files": result.manifest,
    }
    assert spec.output is not None  # noqa: S101 -- for the type checker: the stage's has_output was checked
    return Finished([Product("output", "dataset", spec.output.slug, spec.output.title, content)], {})


def _inspected(path: Path, told: object) -> datasets.Inspection:
    try:
        found = datasets.inspect(path)
    except (datasets.BadData, OSError) as error:
        raise BadResult(f"The job's {FILE} cannot be read: {error}.") from error
    if found.rows != told:
        raise BadResult(f"The job says that it made {told} pairs, and {FILE} holds {found.rows}.")
    return found


def _step(summary: dict[str, Any]) -> dict[str, Any]:
    return {
        "method": "all pairs of different rank",
        "purpose": "rows that a reward model or DPO can read",
        "implementation": f"stage pairs: {summary['rankings']} rankings, {summary['pairs']} pairs, {summary['ties']} ties left out",
    }


STAGE = StageKind(
    name="pairs",
    title=pairs.TITLE,
    params=pairs.Params,
    roles=pairs.ROLES,
    module="training.runner.pairs",
    activity_kind="conversion",
    finish=pairs_from,
    has_output=True,
    makes="dataset",
    needs_device=lambda _: False,
)
