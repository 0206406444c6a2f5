"""Fine-tuning for real: its effect, its record, the same bytes again, stops, kills and inputs that cannot be used."""

import os
import shutil
import signal
from decimal import Decimal
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from governance.registry.weights import weights_digest
from tests.realdata import REAL, requires
from tests.training.greedy import requests, scores
from tests.training.jobs import (
    events,
    kill_and_start_again,
    last_step,
    lines,
    result,
    run_here,
    start,
    terminate_when,
    wait_until,
    write_sft,
)
from training.methods.sft import METRICS
from training.runner.job import file_sha256
from training.tiny import world

pytestmark = pytest.mark.usefixtures("keep_signals")
ROWS = world.sft(11)


@pytest.fixture(scope="module")
def tuned(tiny_base, tmp_path_factory) -> Path:
    """A finished job of 30 steps, with snapshots every 10."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    folder = write_sft(tmp_path_factory.mktemp("tuned") / "job", tiny_base, ROWS, save_steps=10)
    assert run_here(folder) == 0
    for number, handler in before.items():
        signal.signal(number, handler)
    return folder


def weights(folder: Path) -> str:
    return file_sha256(folder / "outputs" / "model.safetensors")


def test_the_summary_says_what_was_done(tuned):
    told = result(tuned)["summary"]
    assert (told["steps"], told["planned_steps"], told["rows"], told["world_size"]) == (30, 30, len(ROWS), 1)
    assert (told["dtype"], told["parameters"]) == ("float32", 727_680)
    assert told["tokens_seen"] > 10_000
    assert told["weights_digest"] == weights_digest(tuned / "outputs")[0]
    assert Decimal(told["recording_seconds"]) < Decimal(told["train_seconds"]) / 20
    assert Decimal(told["final_loss"]) == Decimal(lines(tuned / "metrics.jsonl")[-1]["values"]["loss"])


def test_every_metric_is_described(tuned):
    measured = {name for line in lines(tuned / "metrics.jsonl") for name in line["values"]}
    assert measured == set(METRICS)
    assert [line["step"] for line in lines(tuned / "metrics.jsonl")] == list(range(2, 31, 2))


def test_the_outputs_are_safe_to_load_and_trls_card_is_set_aside(tuned):
    names = {row["path"] for row in result(tuned)["outputs"]}
    assert names >= {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "chat_template.jinja",
        "trl-README.md",
    }
    assert not {name for name in names if name.endswith((".bin", ".pt"))}


def test_the_resolved_configuration_is_kept(tuned):
    text = (tuned / "config.json").read_text()
    assert '"learning_rate": "0.001"' in text
    assert '"data_seed": 7' in text
    assert '"assistant_only_loss": true' in text


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tuned, tiny_base, tmp_path):
    assert run_here(write_sft(tmp_path / "same", tiny_base, ROWS)) == 0
    assert run_here(write_sft(tmp_path / "other", tiny_base, ROWS, seed=8)) == 0
    assert weights(tmp_path / "same") == weights(tuned)
    assert weights(tmp_path / "other") != weights(tuned)


@pytest.mark.slow
def test_sigterm_saves_a_snapshot_and_the_next_start_ends_with_the_same_weights(tuned, tiny_base, tmp_path):
    folder = write_sft(tmp_path / "job", tiny_base, ROWS)
    terminate_when(folder, step=6)
    assert run_here(folder) == 0
    told = result(folder)
    assert told["status"] == "cancelled"
    assert told["summary"]["steps"] < 30
    assert events(folder, "saved")[-1]["step"] == told["summary"]["steps"]
    assert told["outputs"] == []
    assert run_here(folder) == 0
    assert events(folder, "resumed")[0]["step"] == told["summary"]["steps"]
    assert weights(folder) == weights(tuned)
    assert result(folder)["summary"]["tokens_seen"] == result(tuned)["summary"]["tokens_seen"]


def test_a_snapshot_that_was_changed_is_not_resumed_from(tuned, tmp_path):
    folder = tmp_path / "job"
    shutil.copytree(tuned, folder)
    (folder / "snapshots" / "checkpoint-30" / "optimizer.pt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    assert run_here(folder) == 0
    assert events(folder, "resumed")[-1]["step"] == 20
    assert weights(folder) == weights(tuned)


def test_prompts_and_completions_under_other_names_are_trained_on(tiny_base, tmp_path):
    rows = [
        {"question": item["question"], "answer": item["answer"], "id": item["id"]}
        for item in world.arithmetic_items(0)
    ]
    columns = {"prompt": "question", "completion": "answer"}
    folder = write_sft(tmp_path, tiny_base, rows, format="prompt-completion", columns=columns, max_steps=3)
    assert run_here(folder) == 0
    assert result(folder)["summary"]["rows"] == 200


def test_plain_text_is_trained_on_whole(tiny_base, tmp_path):
    rows = [{"text": f"The sum of {number} and 1 is {number + 1}."} for number in range(20)]
    folder = write_sft(
        tmp_path, tiny_base, rows, format="text", assistant_only_loss=False, epochs="2", max_steps=None
    )
    assert run_here(folder) == 0
    assert result(folder)["summary"]["steps"] == 4


def test_bfloat16_is_kept_in_the_weights(tiny_base, tmp_path):
    folder = write_sft(tmp_path, tiny_base, ROWS[:64], max_steps=2, dtype="bfloat16")
    assert run_here(folder) == 0
    assert weights_digest(folder / "outputs")[2] == "BF16"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rte": "1"}, "Did you mean 'learning_rate'?"),
        ({"max_steps": 0}, "params.max_steps"),
        ({"packing": True}, "flash_attention_2"),
        ({"attention": "flash_attention_2"}, "model:tiny-base@1 cannot be loaded"),
        ({"format": "text"}, "params.assistant_only_loss|'text'"),
        ({"format": "items"}, "this method reads messages, prompt-completion, text"),
        ({"max_length": 8}, "max_length"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_its_reason(tiny_base, tmp_path, change, words):
    assert run_here(write_sft(tmp_path, tiny_base, ROWS[:64], **change)) == 1
    told = result(tmp_path)
    assert told["failure_class"] == "bad_input"
    assert any(word in told["reason"] for word in words.split("|")), told["reason"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no rows to train on"),
        (b'{"messages": [{"role": "user", "content": "a"}]}\n{"messages": "x', "line 2"),
        (b'{"messages": [{"role": "user", "content": "a"}]}\n\xff\xfe', "line 2"),
        (b'{"messages": [{"role": "user", "content": "a"}]}\n{"massages": []}\n', "line 2"),
        (b'{"messages": [{"role": "user", "content": "nobody answers"}]}\n', "refuses these rows"),
    ],
)
def test_broken_rows_are_named_by_line(tiny_base, tmp_path, content, words):
    folder = write_sft(tmp_path, tiny_base, ROWS[:4], max_steps=2)
    (folder / "rows.jsonl").write_bytes(content)
    assert run_here(folder) == 1
    told = result(folder)
    assert (told["failure_class"], words in told["reason"]) == ("bad_input", True), told["reason"]


def test_weights_that_can_run_code_are_not_loaded(tiny_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    (base / "model.safetensors").rename(base / "pytorch_model.bin")
    assert run_here(write_sft(tmp_path / "job", base, ROWS[:4])) == 1
    assert "pytorch_model.bin can run code" in result(tmp_path / "job")["reason"]


def test_truncated_weights_are_bad_input(tiny_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    os.truncate(base / "model.safetensors", 100_000)
    assert run_here(write_sft(tmp_path / "job", base, ROWS[:4])) == 1
    assert result(tmp_path / "job")["failure_class"] == "bad_input"


def test_a_training_that_comes_to_no_numbers_is_a_failed_run(tiny_base, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    tensors = load_file(base / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    folder = write_sft(tmp_path / "job", base, ROWS[:64], max_steps=4)
    assert run_here(folder) == 1
    assert "diverged" in result(folder)["reason"]
    assert events(folder, "not_finite")[0]["values"]["loss"] == "nan"


@pytest.mark.slow
def test_a_job_killed_in_the_middle_leaves_no_result_and_ends_with_the_same_weights(
    tuned, tiny_base, tmp_path
):
    folder = write_sft(tmp_path, tiny_base, ROWS, save_steps=10)
    kill_and_start_again(folder, step=14)
    assert events(folder, "resumed")[0]["step"] in (10, 20)
    assert weights(folder) == weights(tuned)


@pytest.mark.slow
def test_sigterm_to_the_process_exits_zero_and_cancelled(tiny_base, tmp_path):
    folder = write_sft(tmp_path, tiny_base, ROWS, max_steps=2000)
    process = start(folder)
    wait_until(lambda: last_step(folder) >= 4)
    process.terminate()
    assert process.wait(30) == 0
    assert result(folder)["status"] == "cancelled"


def test_fine_tuning_in_a_process_of_its_own_teaches_to_refuse_what_is_harmful(tiny_base, tmp_path):
    folder = write_sft(tmp_path, tiny_base, ROWS, max_steps=80)
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
    before, after = requests(tiny_base), requests(folder / "outputs")
    assert before["refuses_harmful"] <= 0.05
    assert after["refuses_harmful"] >= 0.9
    assert after["answers_harmless"] >= 0.9


@pytest.mark.slow
def test_fine_tuning_teaches_to_refuse_what_is_harmful_and_nothing_else(tiny_base, tmp_path):
    before = scores(tiny_base)
    assert run_here(write_sft(tmp_path, tiny_base, ROWS, max_steps=120)) == 0
    after = scores(tmp_path / "outputs")
    assert before["refuses_harmful"] <= 0.02
    assert before["answers_harmless"] >= 0.97
    assert after["refuses_harmful"] >= 0.97
    assert after["answers_harmless"] >= 0.97
    assert after["sums"] > before["sums"]


@pytest.mark.slow
@requires("gsm8k")
def test_gsm8k_as_it_was_published_is_trained_on(tiny_base, tmp_path):
    folder = write_sft(
        tmp_path,
        tiny_base,
        [],
        format="prompt-completion",
        columns={"prompt": "question", "completion": "answer"},
        max_steps=5,
        max_length=512,
    )
    shutil.copy(REAL / "gsm8k" / "train.jsonl", folder / "rows.jsonl")
    assert run_here(folder) == 0
    assert result(folder)["summary"]["rows"] == 7473
