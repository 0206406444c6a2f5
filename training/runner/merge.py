"""The stage `merge`: weights of several models become those of one, tensor by tensor, never all of them in memory."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from governance.registry.weights import BadModel, describe
from training.methods import BadParams
from training.methods.merge import ANCESTOR, SOURCES, Params, validate
from training.runner.failures import BadInput
from training.runner.job import Job, JobInput

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
KEPT = (".json", ".txt", ".model", ".jinja")
"""Ends of the names of files that are taken over from the first model: configuration, tokenizer, chat template."""
Tensors = dict[str, tuple[Path, tuple[int, ...], str]]
"""Name of a tensor → its file, shape and number format."""


def run(job: Job) -> dict[str, Any]:
    """Write the merged model into the outputs; the summary says what was merged how, and how far it moved.

    Configuration and tokenizer are the first model's. Raises BadInput where the models do not fit together, Cancelled after
    a request to stop.
    """
    params = _params(job)
    sources = job.inputs.get(SOURCES, [])
    ancestor = job.the_input(ANCESTOR) if job.inputs.get(ANCESTOR) else None
    weights = _weights(params, sources, ancestor)
    job.write_json("config.json", {"merge": params.model_dump(mode="json"), "weights": weights})
    job.phase("read", models=len(sources))
    found = [_tensors(item) for item in (*sources, *([ancestor] if ancestor else []))]
    _check_alike([*sources, *([ancestor] if ancestor else [])], found)
    job.phase("merge", tensors=len(found[0]))
    merged = {}
    for done, name in enumerate(sorted(found[0]), 1):
        job.stop_if_cancelled()
        merged[name] = _merged(name, found, weights, params, has_ancestor=ancestor is not None)
        job.progress(done, len(found[0]), "tensor")
    job.phase("save")
    _copy_the_rest(sources[0].files_at(), job.output_dir)
    save_file(merged, job.output_dir / WEIGHTS, metadata={"format": "pt"})
    told = describe(job.output_dir)
    return {
        "method": params.method,
        "models": len(sources),
        "weights": [str(weight) for weight in weights],
        "tensors": len(merged),
        "parameters": told["parameters"],
        "weights_digest": told["weights_digest"],
    }


def _params(job: Job) -> Params:
    try:
        return validate(job.params)
    except BadParams as error:
        raise BadInput(str(error)) from error


def _weights(params: Params, sources: list[JobInput], ancestor: JobInput | None) -> list[float]:
    if len(sources) < 2 and params.method == "average":
        raise BadInput(
            f"An average needs at least two models in the role {SOURCES}; the run names {len(sources)}."
        )
    if params.method == "task_arithmetic" and ancestor is None:
        raise BadInput(f"task_arithmetic needs the model that the others came from, in the role {ANCESTOR}.")
    if params.method == "average" and ancestor is not None:
        raise BadInput(f"An average has no ancestor: leave the role {ANCESTOR} out, or use task_arithmetic.")
    given = [float(weight) for weight in params.weights] or [1.0] * len(sources)
    if len(given) != len(sources):
        raise BadInput(
            f"params.weights: there are {len(given)}, and {len(sources)} models in the role {SOURCES}."
        )
    if params.method == "task_arithmetic":
        return [weight * float(params.scale) for weight in given]
    return [weight / sum(given) for weight in given]


def _tensors(item: JobInput) -> Tensors:
    folder = item.files_at()
    try:
        describe(folder)
    except BadModel as error:
        raise BadInput(f"{item.subject} cannot be merged: {error}") from error
    found: Tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 -- no mapping
                part = file.get_slice(name)
                found[name] = (path, tuple(part.get_shape()), str(part.get_dtype()))
    return found


def _check_alike(items: list[JobInput], found: list[Tensors]) -> None:
    first = found[0]
    for item, tensors in zip(items[1:], found[1:], strict=True):
        if missing := sorted(set(first) ^ set(tensors)):
            raise BadInput(
                f"{items[0].subject} and {item.subject} do not have the same tensors: {missing[0]}."
            )
        for name, (_, shape, dtype) in first.items():
            if (shape, dtype) != tensors[name][1:]:
                told = f"{dtype} {list(shape)}", f"{tensors[name][2]} {list(tensors[name][1])}"
                raise BadInput(f"{name} is {told[0]} in {items[0].subject} and {told[1]} in {item.subject}.")
    templates = {_chat_template(item.files_at()) for item in items}
    if len(templates) > 1:
        raise BadInput(
            "The models have different tokenizers or chat templates, so one set of weights cannot serve both."
        )


def _chat_template(folder: Path) -> tuple[str, str]:
    """Vocabulary and chat template, as text, to compare."""
    tokenizer = folder / "tokenizer.json"
    settings = folder / "tokenizer_config.json"
    jinja = folder / "chat_template.jinja"
    template = json.loads(settings.read_text()).get("chat_template", "") if settings.is_file() else ""
    return (
        tokenizer.read_text() if tokenizer.is_file() else "",
        jinja.read_text() if jinja.is_file() else str(template),
    )


def _merged(
    name: str, found: list[Tensors], weights: list[float], params: Params, *, has_ancestor: bool
) -> Any:
    """The merged tensor, summed in float32 and rounded once to the models' number format."""
    first = _read(found[0], name)
    if not first.is_floating_point():
        return first
    base = _read(found[-1], name).float() if has_ancestor else torch.zeros_like(first, dtype=torch.float32)
    total = base.clone()
    for tensors, weight in zip(found, weights, strict=False):
        total += weight * (_read(tensors, name).float() - base)
    return total.to(first.dtype).contiguous()


def _read(tensors: Tensors, name: str) -> Any:
    with safe_open(tensors[name][0], framework="pt") as file:
        return file.get_tensor(name)


def _copy_the_rest(source: Path, folder: Path) -> None:
    for path in sorted(source.iterdir()):
        if path.is_file() and path.suffix in KEPT and path.name != INDEX:
            shutil.copyfile(path, folder / path.name)
