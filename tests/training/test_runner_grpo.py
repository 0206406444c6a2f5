"""Reinforcement learning with verifiable rewards for real: its effect, windows of rewards, a reward model, stops, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest

from governance.registry.weights import describe
from tests.training.jobs import (
    lines,
    output_hashes,
    pairs_of,
    result,
    run_here,
    start,
    used,
    write_job,
    write_pairs,
)
from training.methods.grpo import METRICS
from training.tiny import world

pytestmark = pytest.mark.usefixtures("keep_signals")
SUMS = [{"prompt": item["question"], "target": item["answer"]} for item in world.arithmetic_items(3, 240)]
SMALL = {
    "learning_rate": "0.0005",
    "max_steps": 4,
    "per_device_batch_size": 32,
    "num_generations": 8,
    "max_completion_length": 4,
    "max_length": 64,
    "logging_steps": 1,
    "verifiers": [{"check": "exact_answer"}],
}


def write_grpo(
    folder: Path, base: Path, rows=SUMS, inputs: dict[str, Any] | None = None, **params: Any
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    used_here = {
        "init_from": [used("model:tiny-base@1", base)],
        "trained_on": [pairs_of(folder, "prompts", rows, format="prompt-only")],
    }
    return write_job(
        folder, "training.runner.grpo", params={**SMALL, **params}, inputs={**used_here, **(inputs or {})}
    )


@pytest.fixture(scope="module")
def short(tiny_base, tmp_path_factory) -> Path:
    """A finished job of a few steps, in a process of its own; format counts in the last two of them."""
    verifiers = [
        {"check": "exact_answer", "extract": "last_number"},
        {"check": "brevity", "words": 1, "weight": "0.1", "from_step": 2},
    ]
    folder = write_grpo(tmp_path_factory.mktemp("short") / "job", tiny_base, verifiers=verifiers, beta="0.01")
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
    return folder


@pytest.mark.slow
def test_every_metric_is_described(short):
    measured = {name for line in lines(short / "metrics.jsonl") for name in line["values"]}
    named = {name for name in measured if name.startswith("rewards/")}
    assert measured - named == set(METRICS)
    assert {name.split("/")[1] for name in named} == {"exact_answer_1", "brevity_2"}


@pytest.mark.slow
def test_a_reward_counts_only_in_its_window(short):
    told = {
        line["step"]: line["values"] for line in lines(short / "metrics.jsonl") if "reward" in line["values"]
    }
    assert [step for step, values in told.items() if "rewards/brevity_2/mean" in values] == [3, 4]


@pytest.mark.slow
def test_the_outputs_are_a_whole_model_with_the_answers_to_held_out_prompts(short):
    assert describe(short / "outputs")["architecture"] == "LlamaForCausalLM"
    kept = lines(short / "outputs" / "held-out-answers.jsonl")
    summary = result(short)["summary"]
    assert len(kept) == summary["rows_held_out"] == summary["verified"]["n"] == 24
    assert summary["rows"] == 216
    exact = summary["verified"]["by_check"][0]
    right = [float(line["after"].strip() == line["target"]) for line in kept]
    assert float(exact["after"]) == pytest.approx(sum(right) / len(right), abs=1e-6)
    assert float(exact["ci_low"]) < float(exact["after"]) <= float(exact["ci_high"])


@pytest.mark.slow
def test_sampled_answers_get_better(tiny_base, tmp_path):
    folder = write_grpo(tmp_path / "job", tiny_base, max_steps=120, per_device_batch_size=64, held_out="0.2")
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
    curve = [
        float(line["values"]["reward"])
        for line in lines(folder / "metrics.jsonl")
        if "reward" in line["values"]
    ]
    assert sum(curve[-20:]) / 20 >= sum(curve[:10]) / 10 + 0.15
    exact = result(folder)["summary"]["verified"]["by_check"][0]
    assert exact["higher"] >= exact["lower"]


@pytest.mark.slow
def test_a_reward_model_and_a_verifier_reward_together_and_two_runs_are_alike(tiny_base, tmp_path):
    rated = write_pairs(
        tmp_path / "rm", tiny_base, world.preferences(11, rows=200), method="reward", max_steps=10
    )
    assert start(rated).wait() == 0, (rated / "log.txt").read_text()[-2000:]
    reward = used("reward-model:rated@1", rated / "outputs", type="trained")
    jobs = [
        write_grpo(tmp_path / name, tiny_base, inputs={"reward": [reward]}, reward_from_step=1, max_steps=3)
        for name in ("one", "two")
    ]
    for job in jobs:
        assert start(job).wait() == 0, (job / "log.txt").read_text()[-2000:]
    told = [line["values"] for line in lines(jobs[0] / "metrics.jsonl") if "reward" in line["values"]]
    assert ["rewards/reward_model/mean" in values for values in told] == [False, True, True]
    assert output_hashes(jobs[0]) == output_hashes(jobs[1])


@pytest.mark.parametrize(
    ("rows", "params", "words"),
    [
        (SUMS, {"verifiers": []}, "Nothing rewards an answer"),
        ([{"prompt": "What is 1 + 1?"}], {}, "Row 1 has no target"),
        (SUMS, {"num_generations": 5}, "no multiple of 5"),
        (SUMS, {"verifiers": [{"check": "exact_anwser"}]}, "params.verifiers.0.check"),
        (SUMS, {"max_length": 8}, "No prompt fits into 8 tokens"),
    ],
)
def test_what_cannot_be_used_is_said(tiny_base, tmp_path, rows, params, words):
    folder = write_grpo(tmp_path / "job", tiny_base, rows, **params)
    assert run_here(folder) != 0
    told = result(folder)
    assert told["failure_class"] == "bad_input"
    assert words in told["reason"], json.dumps(told)
