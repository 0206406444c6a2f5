"""Merges of real weights: means by hand, an ancestor, number formats, what does not fit together."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.settle import settle
from governance.registry import actions as registry
from governance.registry import importers, lineage, lookup
from governance.registry.weights import describe
from tests.builders import ADA
from tests.training.faking import activity_of, fresh
from tests.training.jobs import result, run_here, used, write_job
from training import actions, states, supervisor
from training.methods import BadParams
from training.methods.merge import validate
from training.spec import SpecDraft

pytestmark = pytest.mark.usefixtures("keep_signals")


@pytest.fixture(scope="module")
def moved(tiny_base, tmp_path_factory) -> list[Path]:
    """Two copies of the base, one with every value one up, one with every value three up."""
    return [shifted(tiny_base, tmp_path_factory.mktemp("moved") / str(by), by) for by in (1.0, 3.0)]


def shifted(base: Path, folder: Path, by: float) -> Path:
    shutil.copytree(base, folder)
    values = {name: tensor + by for name, tensor in load_file(base / "model.safetensors").items()}
    save_file(values, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_merge(folder: Path, sources: list[Path], ancestor: Path | None = None, **params: Any) -> Path:
    inputs = {"merged_from": [used(f"model:m{place}@1", path) for place, path in enumerate(sources)]}
    if ancestor:
        inputs["init_from"] = [used("model:tiny-base@1", ancestor)]
    return write_job(folder, "training.runner.merge", params=params, inputs=inputs)


def difference(outputs: Path, base: Path) -> float:
    """By how much every value differs from the base's: one number, or the test fails."""
    after, before = load_file(outputs / "model.safetensors"), load_file(base / "model.safetensors")
    apart = [float((after[name] - before[name]).mean()) for name in before]
    assert max(apart) - min(apart) < 1e-4
    return apart[0]


@pytest.mark.parametrize(
    ("params", "by"),
    [
        ({}, 2),
        ({"weights": ["3", "1"]}, 1.5),
        ({"method": "task_arithmetic"}, 4),
        ({"method": "task_arithmetic", "weights": ["1", "-1"], "scale": "0.5"}, -1),
    ],
)
def test_the_values_are_those_worked_out_by_hand(tiny_base, moved, tmp_path, params, by):
    ancestor = tiny_base if params.get("method") == "task_arithmetic" else None
    folder = write_merge(tmp_path / "job", moved, ancestor, **params)
    assert run_here(folder) == 0, (folder / "result.json").read_text()
    assert difference(folder / "outputs", tiny_base) == pytest.approx(by, abs=1e-5)
    told = describe(folder / "outputs")
    assert told["architecture"] == "LlamaForCausalLM"
    assert result(folder)["summary"]["weights_digest"] == told["weights_digest"]


def test_the_same_merge_gives_the_same_bytes(moved, tmp_path):
    jobs = [write_merge(tmp_path / name, moved) for name in ("one", "two")]
    assert [run_here(job) for job in jobs] == [0, 0]
    assert result(jobs[0])["outputs"] == result(jobs[1])["outputs"]


def test_bfloat16_is_rounded_once(tiny_base, tmp_path):
    folders = []
    for name, value in (("a", 1.0), ("b", 1.0078125)):
        folder = shutil.copytree(tiny_base, tmp_path / name)
        values = load_file(tiny_base / "model.safetensors")
        made = {key: torch.full_like(tensor, value, dtype=torch.bfloat16) for key, tensor in values.items()}
        save_file(made, folder / "model.safetensors", metadata={"format": "pt"})
        folders.append(folder)
    job = write_merge(tmp_path / "job", folders, weights=["1", "3"])
    assert run_here(job) == 0
    found = load_file(job / "outputs" / "model.safetensors")
    assert {tensor.dtype for tensor in found.values()} == {torch.bfloat16}
    assert {float(tensor.flatten()[0]) for tensor in found.values()} == {1.0078125}


def other_shape(base: Path, folder: Path) -> Path:
    shutil.copytree(base, folder)
    values = load_file(base / "model.safetensors")
    name = next(iter(values))
    save_file(
        {**values, name: values[name][:1].clone()}, folder / "model.safetensors", metadata={"format": "pt"}
    )
    return folder


def other_template(base: Path, folder: Path) -> Path:
    shutil.copytree(base, folder)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


@pytest.mark.parametrize(
    ("make", "words"),
    [(other_shape, "in model:m1@1"), (other_template, "different tokenizers or chat templates")],
)
def test_models_that_do_not_fit_are_named(tiny_base, tmp_path, make, words):
    folder = write_merge(tmp_path / "job", [tiny_base, make(tiny_base, tmp_path / "other")])
    assert run_here(folder) != 0
    told = result(folder)
    assert told["failure_class"] == "bad_input"
    assert words in told["reason"], json.dumps(told)


@pytest.mark.parametrize(
    ("sources", "ancestor", "params", "words"),
    [
        (1, False, {}, "at least two models"),
        (2, False, {"method": "task_arithmetic"}, "in the role init_from"),
        (2, True, {}, "has no ancestor"),
        (2, False, {"weights": ["1"]}, "there are 1, and 2 models"),
    ],
)
def test_roles_and_weights_that_do_not_fit_are_said(tiny_base, tmp_path, sources, ancestor, params, words):
    folder = write_merge(tmp_path / "job", [tiny_base] * sources, tiny_base if ancestor else None, **params)
    assert run_here(folder) != 0
    assert words in result(folder)["reason"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"weights": ["1", "-1"]}, "their sum is 0"),
        ({"scale": 2}, "belongs to task_arithmetic"),
        ({"method": "slerp"}, "params.method"),
    ],
)
def test_wrong_parameters_are_named(raw, words):
    with pytest.raises(BadParams) as caught:
        validate(raw)
    assert words in str(caught.value)


@pytest.mark.usefixtures("committed_db")
def test_from_an_order_to_a_model_with_both_as_weight_ancestors(tiny_base, moved, tmp_path):
    for place, folder in enumerate(moved):
        read = importers.read(
            "model", folder, {"description": "Moved.", "licence": "MIT", "origin": "post-trained"}
        )
        registry.register("model", f"moved-{place}", read.content, files=read.files, actor=ADA)
    draft = SpecDraft(
        stage="merge",
        inputs={"merged_from": ["model:moved-0", "model:moved-1"]},
        params={"weights": ["1", "1"]},
        output={"slug": "merged", "title": "Merged"},
    )
    run = actions.queue(draft, actor=ADA)
    assert supervisor.execute(run.id, "worker")
    assert (fresh(run).state, fresh(run).reason) == (states.SUCCEEDED, "")
    made = lookup.find("model:merged")
    assert made.content["licence"] == "MIT"
    assert made.content["description"] == "average of model:moved-0@1, model:moved-1@1."
    assert activity_of(run).kind == "merging"
    above = {str(one) for one in lineage.ancestors(made, "weight")}
    assert above == {"model:moved-0@1", "model:moved-1@1"}
    keys.generate()
    document = collect(made, settle().size)
    assert document.get("stages.1.method").value == "merge"
    told = {fact.label: fact.value for fact in document.within("stages")}
    assert "model:moved-1@1" in told.values()
    assert {document.get(f"code.1.{name}").state for name in ("seed", "spec_digest", "config_sha256")} == {
        "recorded"
    }
