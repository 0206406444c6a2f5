"""A reward model for real: what it learns, what is measured on pairs it never saw, stops, kills and refusals."""

import os
import re
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from governance.registry.weights import describe
from tests.training.jobs import (
    events,
    kill_and_start_again,
    last_step,
    lines,
    output_hashes,
    pairs_of,
    result,
    run_here,
    start,
    terminate_when,
    wait_until,
    write_pairs,
)
from training.methods.reward import METRICS
from training.tiny import world

pytestmark = pytest.mark.usefixtures("keep_signals")
ROWS = world.preferences(11, rows=300)


def write_reward(folder: Path, base: Path, rows=ROWS, **rest) -> Path:
    return write_pairs(folder, base, rows, method="reward", **rest)


@pytest.fixture(scope="module")
def rated(tiny_base, tmp_path_factory) -> Path:
    """A finished job of 40 steps in a process of its own, with snapshots every 10."""
    folder = write_reward(
        tmp_path_factory.mktemp("rated") / "job", tiny_base, max_steps=40, save_steps=10, held_out="0.2"
    )
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
    return folder


def test_it_ranks_pairs_that_it_never_saw(rated):
    told = result(rated)["summary"]
    measured = told["held_out"]
    assert measured["n"] == told["rows_held_out"] >= 60
    assert float(measured["accuracy"]) >= 0.9
    assert float(measured["margin"]) > 1
    assert 0.8 < float(measured["ci_low"]) < float(measured["accuracy"]) <= float(measured["ci_high"])
    assert measured["by_domain"][0]["domain"] == "dataset:rows@1"
    assert told["rows"] + told["rows_held_out"] == len(ROWS)


def test_every_metric_is_described(rated):
    measured = {name for line in lines(rated / "metrics.jsonl") for name in line["values"]}
    assert measured == set(METRICS)


def test_the_outputs_are_a_model_with_one_score_and_the_held_out_scores(rated):
    about = describe(rated / "outputs")
    assert about["architecture"] == "LlamaForSequenceClassification"
    assert about["chat_template_digest"]
    assert about["weights_digest"] == result(rated)["summary"]["weights_digest"]
    scores = lines(rated / "outputs" / "held-out.jsonl")
    right = sum(float(line["chosen"]) > float(line["rejected"]) for line in scores)
    assert (len(scores), right) == tuple(
        result(rated)["summary"]["held_out"][name] for name in ("n", "correct")
    )
    assert not {name for name in output_hashes(rated) if name.endswith((".bin", ".pt"))}


def test_other_pairs_are_measured_where_they_are_named(tiny_base, tmp_path):
    apart = pairs_of(tmp_path, "apart", world.preferences(99, rows=30))
    folder = write_reward(tmp_path, tiny_base, ROWS[:64], max_steps=2, inputs={"evaluated_on": [apart]})
    assert run_here(folder) == 0
    told = result(folder)["summary"]
    assert (told["rows"], told["held_out"]["n"]) == (64, 30)
    assert told["held_out"]["source"] == "The pairs of dataset:apart@1"


def test_plain_texts_are_trained_on(tiny_base, tmp_path):
    rows = [
        {"prompt": row["prompt"][0]["content"], "chosen": row["chosen"][0]["content"], "rejected": row["rejected"][0]["content"]}
        for row in ROWS[:80]
    ]  # fmt: skip
    folder = write_reward(tmp_path, tiny_base, rows, max_steps=2, held_out=0)
    assert run_here(folder) == 0
    told = result(folder)["summary"]
    assert (told["rows"], told["rows_held_out"], "held_out" in told) == (80, 0, False)


def test_pairs_that_are_too_long_are_left_out_and_counted(tiny_base, tmp_path):
    long = {**ROWS[0], "chosen": [{"role": "assistant", "content": "no " * 200}]}
    folder = write_reward(tmp_path, tiny_base, [*ROWS[:80], long, long], max_steps=2)
    assert run_here(folder) == 0
    told = result(folder)["summary"]
    assert told["rows_too_long"] == 2
    assert told["rows"] + told["held_out"]["n"] in (80, 81, 82)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_length": 8}, "None of the .* pairs fits into 8 tokens"),
        ({"format": "messages"}, "this method reads preference"),
        ({"beta": "0.1"}, "params.beta: there is no such field"),
        ({"held_out_min": 40}, "params.held_out: of 64 pairs"),
        ({"rows": []}, "no rows to train on"),
        ({"inputs": {"init_from": []}}, "needs exactly one input as init_from"),
        ({"lora": {"target_modules": ["nowhere"]}}, "refuses these rows or parameters"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_its_reason(tiny_base, tmp_path, change, words):
    rows = change.pop("rows", ROWS[:64])
    assert run_here(write_reward(tmp_path, tiny_base, rows, **{"max_steps": 2, **change})) == 1
    told = result(tmp_path)
    assert told["failure_class"] == "bad_input"
    assert re.search(words, told["reason"]), told["reason"]


def test_conversations_without_a_chat_template(tiny_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    (base / "chat_template.jinja").unlink()
    assert run_here(write_reward(tmp_path / "job", base, ROWS[:64])) == 1
    assert "no chat template" in result(tmp_path / "job")["reason"]


def test_a_training_that_comes_to_no_numbers_is_a_failed_run(tiny_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    tensors = load_file(base / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    folder = write_reward(tmp_path / "job", base, ROWS[:64], max_steps=4)
    assert run_here(folder) == 1
    assert "diverged" in result(folder)["reason"]


def test_truncated_weights_are_bad_input(tiny_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    os.truncate(base / "model.safetensors", 100_000)
    assert run_here(write_reward(tmp_path / "job", base, ROWS[:64])) == 1
    assert result(tmp_path / "job")["failure_class"] == "bad_input"


@pytest.mark.slow
def test_sigterm_saves_a_snapshot_and_the_next_start_ends_with_the_same_weights(rated, tiny_base, tmp_path):
    folder = write_reward(tmp_path, tiny_base, max_steps=40, held_out="0.2")
    terminate_when(folder, step=6)
    assert run_here(folder) == 0
    assert result(folder)["status"] == "cancelled"
    assert result(folder)["outputs"] == []
    assert run_here(folder) == 0
    assert events(folder, "resumed")[0]["step"] == events(folder, "saved")[0]["step"] < 40
    assert output_hashes(folder)["model.safetensors"] == output_hashes(rated)["model.safetensors"]
    assert result(folder)["summary"]["held_out"] == result(rated)["summary"]["held_out"]


@pytest.mark.slow
def test_a_job_killed_in_the_middle_ends_with_the_same_weights(rated, tiny_base, tmp_path):
    folder = write_reward(tmp_path, tiny_base, max_steps=40, save_steps=10, held_out="0.2")
    kill_and_start_again(folder, step=14)
    assert events(folder, "resumed")[0]["step"] in (10, 20, 30)
    assert output_hashes(folder)["model.safetensors"] == output_hashes(rated)["model.safetensors"]
    assert output_hashes(folder)["held-out.jsonl"] == output_hashes(rated)["held-out.jsonl"]


@pytest.mark.slow
def test_sigterm_to_the_process_exits_zero_and_cancelled(tiny_base, tmp_path):
    folder = write_reward(tmp_path, tiny_base, max_steps=2000)
    process = start(folder)
    wait_until(lambda: last_step(folder) >= 4)
    process.terminate()
    assert process.wait(60) == 0
    assert result(folder)["status"] == "cancelled"
