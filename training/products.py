"""Training's own stage kinds, and what becomes of their outputs."""

from pathlib import Path
from typing import Any

from governance.registry import lookup, weights
from training.methods import sft
from training.models import Run
from training.outcome import Result
from training.stages import Finished, Product, StageKind


def model_from(run: Run, result: Result, outputs: Path) -> Finished:
    """The model version that a training stage made: what its files say, and the licence of the model it began from."""
    spec = run.parsed
    base, data = spec.inputs["init_from"][0], spec.inputs.get("trained_on", [])
    content: dict[str, Any] = {
        "description": f"{base.subject} after {run.stage} on {', '.join(one.subject for one in data)}, seed {spec.seed}.",
        **weights.describe(outputs),
        "licence": (lookup.by_digest(base.digest).content or {}).get("licence", ""),
        "origin": "post-trained",
        "files": result.manifest,
    }
    assert spec.output is not None  # noqa: S101 -- for the type checker: the stage's has_output was checked
    return Finished([Product("output", "model", spec.output.slug, spec.output.title, content)], {})


STAGES = [
    StageKind(
        name="sft",
        title=sft.TITLE,
        params=sft.Params,
        roles=sft.ROLES,
        module="training.runner.sft",
        activity_kind="training",
        finish=model_from,
        has_output=True,
    )
]
