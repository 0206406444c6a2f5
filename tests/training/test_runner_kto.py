"""Answers called good or bad, for real: the effect, a resume, refusals."""

import json
from pathlib import Path

import pytest

from tests.training.greedy import requests
from tests.training.jobs import (
    kill_and_start_again,
    lines,
    output_hashes,
    result,
    run_here,
    start,
    write_pairs,
)
from training.methods import BadParams
from training.methods.kto import METRICS, validate
from training.tiny import world

pytestmark = pytest.mark.usefixtures("keep_signals")
ROWS = [
    {"prompt": row["prompt"], "completion": row[side], "label": side == "chosen"}
    for row in world.preferences(11, rows=240)
    for side in ("chosen", "rejected")
]


def write_kto(folder: Path, base: Path, rows=ROWS, **rest) -> Path:
    return write_pairs(folder, base, rows, method="kto", format="unpaired-preference", **rest)


@pytest.mark.slow
def test_it_learns_what_people_called_good(tiny_base, tmp_path):
    folder = write_kto(tmp_path / "job", tiny_base, max_steps=80)
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
    before, after = requests(tiny_base), requests(folder / "outputs")
    assert after["refuses_harmful"] >= before["refuses_harmful"] + 0.4
    assert after["answers_harmless"] >= 0.7
    measured = {name for line in lines(folder / "metrics.jsonl") for name in line["values"]}
    assert measured == set(METRICS)
    summary = result(folder)["summary"]
    assert (summary["rows"], summary["rows_good"], summary["rows_bad"]) == (480, 240, 240)


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(tiny_base, tmp_path):
    whole, killed = (write_kto(tmp_path / name, tiny_base, max_steps=12, save_steps=4) for name in ("a", "b"))
    assert start(whole).wait() == 0
    kill_and_start_again(killed, 6)
    assert output_hashes(whole)["model.safetensors"] == output_hashes(killed)["model.safetensors"]


def test_one_kind_of_answer_alone_is_refused(tiny_base, tmp_path):
    folder = write_kto(tmp_path / "job", tiny_base, [row for row in ROWS if row["label"]])
    assert run_here(folder) != 0
    told = result(folder)
    assert told["failure_class"] == "bad_input"
    assert "No answer is called bad" in told["reason"], json.dumps(told)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"beta": 0}, "params.beta"),
        ({"per_device_batch_size": 1}, "params.per_device_batch_size"),
        ({"desirable_wieght": 2}, "Did you mean 'desirable_weight'?"),
    ],
)
def test_wrong_parameters_are_named(raw, words):
    with pytest.raises(BadParams) as caught:
        validate(raw)
    assert words in str(caught.value)
