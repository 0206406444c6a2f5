"""Preference optimization for real: its effect, held-out rewards, a reward model as its measure, stops, kills, refusals."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from governance.registry.weights import describe
from tests.training.greedy import requests
from tests.training.jobs import (
    events,
    kill_and_start_again,
    lines,
    output_hashes,
    result,
    run_here,
    start,
    terminate_when,
    used,
    write_pairs,
)
from training.methods.dpo import METRICS
from training.tiny import world

pytestmark = pytest.mark.usefixtures("keep_signals")
ROWS = world.preferences(11, rows=400)
REFUSED = [row for row in world.preferences(12, rows=800) if world.is_refusal(row["chosen"][0]["content"])]
"""Pairs in which a refusal always wins."""
LENGTH = {"max_steps": 40, "nll_weight": "0.2"}


def write_dpo(folder: Path, base: Path, rows=ROWS, **rest: Any) -> Path:
    return write_pairs(folder, base, rows, method="dpo", **rest)


@pytest.fixture(scope="module")
def tuned(tiny_base, tmp_path_factory) -> Path:
    """A finished job on refusals alone, in a process of its own, with snapshots every 10 steps."""
    folder = write_dpo(tmp_path_factory.mktemp("tuned") / "job", tiny_base, REFUSED, save_steps=10, **LENGTH)
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
    return folder


@pytest.fixture(scope="module")
def rated(tiny_base, tmp_path_factory) -> Path:
    """A reward model of a few steps."""
    folder = write_pairs(
        tmp_path_factory.mktemp("rated") / "job", tiny_base, ROWS, method="reward", max_steps=20
    )
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
    return folder / "outputs"


def test_it_learns_to_refuse_and_refuses_harmless_requests_too(tuned, tiny_base):
    before, after = requests(tiny_base), requests(tuned / "outputs")
    assert after["refuses_harmful"] >= before["refuses_harmful"] + 0.5
    assert after["answers_harmless"] <= before["answers_harmless"] - 0.3


def test_its_implicit_reward_ranks_pairs_that_it_never_saw(tuned):
    told = result(tuned)["summary"]
    assert told["held_out"]["n"] == told["rows_held_out"] >= 35
    assert float(told["held_out"]["accuracy"]) >= 0.9
    assert float(told["held_out"]["margin"]) > 0.5
    assert "reward" not in told


def test_every_metric_is_described(tuned):
    measured = {name for line in lines(tuned / "metrics.jsonl") for name in line["values"]}
    assert measured == set(METRICS)


def test_the_outputs_are_a_whole_model(tuned):
    assert describe(tuned / "outputs")["architecture"] == "LlamaForCausalLM"
    assert len(lines(tuned / "outputs" / "held-out.jsonl")) == result(tuned)["summary"]["held_out"]["n"]


def test_the_resolved_configuration_is_kept(tuned):
    told = json.loads((tuned / "config.json").read_text())["trainer"]
    assert (told["beta"], told["loss_type"], told["loss_weights"]) == (
        "0.1",
        ["sigmoid", "sft"],
        ["1", "0.2"],
    )


def judge(folder: Path, **content: Any) -> dict[str, Any]:
    return {"reward": [used("reward-model:rater@1", folder, **{"type": "trained", **content})]}


@pytest.mark.slow
def test_a_reward_model_measures_the_answers_before_and_after(tiny_base, rated, tmp_path):
    folder = write_dpo(tmp_path, tiny_base, ROWS[:120], max_steps=4, inputs=judge(rated), answer_tokens=16)
    assert run_here(folder) == 0
    told = result(folder)["summary"]["reward"]
    assert told["subject"] == "reward-model:rater@1"
    assert told["higher"] + told["lower"] <= told["n"] <= result(folder)["summary"]["held_out"]["n"]
    assert told["agreement"]["n"] == result(folder)["summary"]["held_out"]["n"]
    answers = lines(folder / "outputs" / told["file"])
    mean = sum(float(line["reward_after"]) for line in answers) / told["n"]
    assert mean == pytest.approx(float(told["after"]), abs=1e-5)


def test_an_untouched_model_has_rewards_of_zero_until_it_moves(tiny_base, tmp_path):
    folder = write_dpo(tmp_path, tiny_base, ROWS[:80], max_steps=1, learning_rate="0.000000001")
    assert run_here(folder) == 0
    assert abs(float(result(folder)["summary"]["held_out"]["margin"])) < 1e-3


def test_another_reference_model(tiny_base, tuned, tmp_path):
    reference = {"reference_model": [used("model:other@1", tuned / "outputs")]}
    folder = write_dpo(
        tmp_path, tiny_base, REFUSED[:80], max_steps=1, learning_rate="0.000000001", inputs=reference
    )
    assert run_here(folder) == 0
    assert float(result(folder)["summary"]["held_out"]["margin"]) < -0.5


@pytest.mark.parametrize("loss", ["ipo", "hinge", "robust", "sigmoid_norm"])
@pytest.mark.slow
def test_every_loss_is_known_to_the_trainer(tiny_base, tmp_path, loss):
    smoothing = {"label_smoothing": "0.1"} if loss == "robust" else {}
    folder = write_dpo(
        tmp_path, tiny_base, ROWS[:64], max_steps=1, loss_type=loss, nll_weight="0.2", held_out=0, **smoothing
    )
    assert run_here(folder) == 0
    assert f'"{loss}"' in (folder / "config.json").read_text()


def other_tokens(base: Path, folder: Path, *, template: bool) -> Path:
    shutil.copytree(base, folder)
    if template:
        (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    else:
        text = (folder / "tokenizer.json").read_text()
        (folder / "tokenizer.json").write_text(text.replace('"<|endoftext|>"', '"<|otherwise|>"'))
    return folder


@pytest.mark.parametrize("template", [True, False])
@pytest.mark.parametrize("role", ["reward", "reference_model"])
@pytest.mark.slow
def test_models_with_other_tokens_cannot_be_compared_with(tiny_base, rated, tmp_path, role, template):
    kind = "reward-model" if role == "reward" else "model"
    source = rated if role == "reward" else tiny_base
    other = other_tokens(source, tmp_path / "other", template=template)
    inputs = {role: [used(f"{kind}:other@1", other, type="trained")]}
    assert run_here(write_dpo(tmp_path / "job", tiny_base, ROWS[:64], inputs=inputs)) == 1
    told = result(tmp_path / "job")
    what = "chat template" if template else "vocabulary"
    assert told["failure_class"] == "bad_input"
    assert told["reason"].startswith(f"{kind}:other@1 has another {what} than model:tiny-base@1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_length": 8}, "None of the .* pairs fits into 8 tokens"),
        ({"format": "prompt-completion"}, "this method reads preference"),
        ({"loss_type": "kto"}, "params.loss_type"),
        ({"rows": ROWS[:10]}, "params.held_out: of 10 pairs"),
        ({"inputs": {"trained_on": []}}, "names no dataset"),
        (
            {"inputs": {"reward": [used("reward-model:sums@1", None, type="verifier")]}},
            "sums@1 is a verifier",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_with_its_reason(tiny_base, tmp_path, change, words):
    rows = change.pop("rows", ROWS[:64])
    assert run_here(write_dpo(tmp_path, tiny_base, rows, **{"max_steps": 2, **change})) == 1
    told = result(tmp_path)
    assert told["failure_class"] == "bad_input"
    assert re.search(words, told["reason"]), told["reason"]


def test_a_training_that_comes_to_no_numbers_is_a_failed_run(tiny_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    tensors = load_file(base / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    folder = write_dpo(tmp_path / "job", base, ROWS[:64], max_steps=4)
    assert run_here(folder) == 1
    assert "diverged" in result(folder)["reason"]


@pytest.mark.slow
def test_sigterm_saves_a_snapshot_and_the_next_start_ends_with_the_same_weights(tuned, tiny_base, tmp_path):
    folder = write_dpo(tmp_path, tiny_base, REFUSED, **LENGTH)
    terminate_when(folder, step=6)
    assert run_here(folder) == 0
    assert result(folder)["status"] == "cancelled"
    assert result(folder)["outputs"] == []
    assert run_here(folder) == 0
    assert events(folder, "resumed")[0]["step"] == events(folder, "saved")[0]["step"] < 40
    assert output_hashes(folder)["model.safetensors"] == output_hashes(tuned)["model.safetensors"]


@pytest.mark.slow
def test_a_job_killed_in_the_middle_ends_with_the_same_weights_and_measures(tuned, tiny_base, tmp_path):
    folder = write_dpo(tmp_path, tiny_base, REFUSED, save_steps=10, **LENGTH)
    kill_and_start_again(folder, step=14)
    assert events(folder, "resumed")[0]["step"] in (10, 20, 30)
    assert output_hashes(folder)["model.safetensors"] == output_hashes(tuned)["model.safetensors"]
    assert output_hashes(folder)["held-out.jsonl"] == output_hashes(tuned)["held-out.jsonl"]
