"""Training's own stage kinds, and what becomes of their outputs."""

from pathlib import Path
from typing import Any

from governance.registry import lookup, weights
from training import pairing, scans
from training.methods import dpo, grpo, kto, merge, reward, sft
from training.models import Run
from training.outcome import Result
from training.spec import PinnedInput
from training.stages import Finished, Product, StageKind


def model_from(run: Run, result: Result, outputs: Path) -> Finished:
    """The model version that a training stage made: what its files say, and the licence of the model it began from."""
    content = {**_trained(run, result, outputs), "origin": "post-trained"}
    return Finished([_product(run, "model", content)], {})


def reward_model_from(run: Run, result: Result, outputs: Path) -> Finished:
    """The reward-model version that a training made, with what was measured on its held-out pairs."""
    spec = run.parsed
    content = {
        **_trained(run, result, outputs),
        "type": "trained",
        "base": _pin(spec.inputs["init_from"][0]),
        "trained_on": [_pin(one) for one in spec.inputs["trained_on"]],
        **_reliability(
            result.summary.get("held_out"), [_pin(one) for one in spec.inputs.get("evaluated_on", [])]
        ),
    }
    return Finished([_product(run, "reward-model", content)], {})


def merged_model_from(run: Run, result: Result, outputs: Path) -> Finished:
    """The model version that a merge made; its licence is that of the models where they all have the same."""
    sources = run.parsed.inputs[merge.SOURCES]
    licences = {(lookup.by_digest(one.digest).content or {}).get("licence", "") for one in sources}
    content = {
        "description": f"{result.summary['method'].replace('_', ' ')} of {', '.join(one.subject for one in sources)}.",
        **weights.describe(outputs),
        "licence": licences.pop() if len(licences) == 1 else "",
        "files": result.manifest,
        "origin": "post-trained",
    }
    return Finished([_product(run, "model", content)], {})


def _trained(run: Run, result: Result, outputs: Path) -> dict[str, Any]:
    """What is said alike of everything that was trained: what its files say, and the licence of what it began from."""
    spec = run.parsed
    base, data = spec.inputs["init_from"][0], spec.inputs.get("trained_on", [])
    return {
        "description": f"{base.subject} after {run.stage} on {', '.join(one.subject for one in data)}, seed {spec.seed}.",
        **weights.describe(outputs),
        "licence": (lookup.by_digest(base.digest).content or {}).get("licence", ""),
        "files": result.manifest,
    }


def _product(run: Run, kind: str, content: dict[str, Any]) -> Product:
    output = run.parsed.output
    assert output is not None  # noqa: S101 -- for the type checker: the stage's has_output was checked
    return Product("output", kind, output.slug, output.title, content)


def _pin(one: PinnedInput) -> dict[str, str]:
    return {"subject": one.subject, "digest": one.digest}


def _reliability(measured: dict[str, Any] | None, apart: list[dict[str, str]]) -> dict[str, Any]:
    """The content's part on what was measured, or why it is empty."""
    order = gap("order_consistency", "not_applicable", "It scores each answer alone: there is no order.")
    if measured is None:
        why = "No pairs were kept out of training (held_out: 0)."
        return {
            "gaps": [
                gap("reliability", "not_applicable", why),
                gap("calibration", "not_applicable", why),
                order,
            ]
        }
    parts = [{"domain": part["domain"], **_accuracy(part)} for part in measured["by_domain"]]
    return {
        "reliability": {
            "accuracy": _accuracy(measured),
            "by_domain": parts,
            "measured_on": measured["source"],
            "evaluated_on": apart,
        },
        "calibration": (
            f"On these {measured['n']} pairs it gave the preferred answer a probability of {measured['mean_probability']} "
            f"in the mean, and was right on a share of {measured['accuracy']}."
        ),
        "gaps": [order],
    }


def _accuracy(measured: dict[str, Any]) -> dict[str, Any]:
    kept = {name: measured[name] for name in ("n", "ci_low", "ci_high", "margin", "ties")}
    return {**kept, "share": measured["accuracy"]}


def gap(field: str, state: str, reason: str) -> dict[str, str]:
    """Why a field of a content is empty."""
    return {"field": field, "state": state, "reason": reason}


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
    ),
    StageKind(
        name="reward",
        title=reward.TITLE,
        params=reward.Params,
        roles=reward.ROLES,
        module="training.runner.reward",
        activity_kind="training",
        finish=reward_model_from,
        has_output=True,
        makes="reward-model",
    ),
    StageKind(
        name="dpo",
        title=dpo.TITLE,
        params=dpo.Params,
        roles=dpo.ROLES,
        module="training.runner.dpo",
        activity_kind="training",
        finish=model_from,
        has_output=True,
    ),
    StageKind(
        name="grpo",
        title=grpo.TITLE,
        params=grpo.Params,
        roles=grpo.ROLES,
        module="training.runner.grpo",
        activity_kind="training",
        finish=model_from,
        has_output=True,
    ),
    StageKind(
        name="kto",
        title=kto.TITLE,
        params=kto.Params,
        roles=kto.ROLES,
        module="training.runner.kto",
        activity_kind="training",
        finish=model_from,
        has_output=True,
    ),
    StageKind(
        name="merge",
        title=merge.TITLE,
        params=merge.Params,
        roles=merge.ROLES,
        module="training.runner.merge",
        activity_kind="merging",
        finish=merged_model_from,
        has_output=True,
    ),
    scans.STAGE,
    pairing.STAGE,
]
