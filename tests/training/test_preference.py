"""Which pairs are trained on and which are kept out: whole prompts, by the seed, and never a pair on both sides."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.training.jobs import pairs_of, used, write_job
from training.methods.dpo import validate
from training.runner.failures import BadInput
from training.runner.job import Job
from training.runner.preference import read_pairs
from training.tiny import world

ROWS = world.preferences(3, rows=200)
CHATS, TEXTS = SimpleNamespace(chat_template="{{ messages }}"), SimpleNamespace(chat_template=None)


def read(folder: Path, rows=ROWS, *, seed=7, tokenizer=CHATS, apart=None, format="preference", **params):
    inputs = {"trained_on": [pairs_of(folder, "rows", rows, format=format)]}
    if apart is not None:
        inputs["evaluated_on"] = [pairs_of(folder, "apart", apart, format=format)]
    job = Job(write_job(folder, "x", params={}, inputs=inputs, seed=seed))
    return read_pairs(job, validate(params), tokenizer)


def prompts(rows):
    return {json.dumps(row["prompt"]) for row in rows}


def test_whole_prompts_are_kept_out_and_nothing_is_lost(tmp_path):
    pairs = read(tmp_path, held_out="0.2")
    assert len(pairs.train) + len(pairs.held_out) == 200
    assert 40 <= len(pairs.held_out) <= 44
    assert not prompts(pairs.train) & prompts(pairs.held_out)
    assert pairs.source.startswith(f"{len(pairs.held_out)} of 200 pairs, whole prompts drawn with seed 7")


def test_the_seed_decides_which(tmp_path):
    one, same, other = (read(tmp_path, seed=seed).held_out for seed in (7, 7, 8))
    assert one == same
    assert one != other


def test_the_order_of_the_file_stays(tmp_path):
    pairs = read(tmp_path)
    order = [(row["prompt"], row["chosen"], row["rejected"]) for row in ROWS]
    places = [order.index((row["prompt"], row["chosen"], row["rejected"])) for row in pairs.held_out]
    assert places == sorted(places)


def test_nothing_is_kept_out_when_none_is_asked_for(tmp_path):
    pairs = read(tmp_path, held_out=0)
    assert (len(pairs.train), pairs.held_out) == (200, [])


def test_too_few_pairs_to_keep_any_out(tmp_path):
    with pytest.raises(BadInput, match=r"of 30 pairs, .* more than half"):
        read(tmp_path, ROWS[:30])
    assert len(read(tmp_path, ROWS[:30], held_out_min=3).held_out) >= 3


def test_other_pairs_may_be_measured_on_but_not_those_that_are_trained_on(tmp_path):
    pairs = read(tmp_path, ROWS[:100], apart=ROWS[150:])
    assert (len(pairs.train), len(pairs.held_out)) == (100, 50)
    assert pairs.source == "The pairs of dataset:apart@1"
    with pytest.raises(BadInput, match="1 of the pairs in dataset:apart@1 are also trained on"):
        read(tmp_path, ROWS[:100], apart=[*ROWS[150:], ROWS[0]])


def test_a_pair_of_equal_answers_is_passed_over_and_counted(tmp_path):
    equal = {**ROWS[0], "rejected": ROWS[0]["chosen"]}
    pairs = read(tmp_path, [*ROWS, equal, equal])
    assert pairs.equal == 2
    assert len(pairs.train) + len(pairs.held_out) == 200


def test_plain_texts_become_conversations_where_there_is_a_template(tmp_path):
    rows = [{"prompt": f"Q{n}?", "chosen": "yes", "rejected": "no"} for n in range(60)]
    row = read(tmp_path, rows).train[0]
    assert row["prompt"][0] == {"role": "user", "content": row["prompt"][0]["content"]}
    assert row["chosen"] == [{"role": "assistant", "content": "yes"}]
    assert read(tmp_path, rows, tokenizer=TEXTS).train[0]["chosen"] == "yes"


def test_conversations_need_a_template(tmp_path):
    with pytest.raises(BadInput, match=r"dataset:rows@1 are conversations, .* no chat template"):
        read(tmp_path, tokenizer=TEXTS)


def test_the_domain_of_a_pair_is_its_dataset(tmp_path):
    inputs = {"trained_on": [pairs_of(tmp_path, name, ROWS[place::2]) for place, name in enumerate("ab")]}
    job = Job(write_job(tmp_path, "x", params={}, inputs=inputs))
    pairs = read_pairs(job, validate({}), CHATS)
    domains = Counter(row["domain"] for row in [*pairs.train, *pairs.held_out])
    assert domains == {"dataset:a@1": 100, "dataset:b@1": 100}


@pytest.mark.parametrize("format", ["messages", "prompt-completion", "text", "items"])
def test_rows_that_are_no_pairs_are_refused_by_their_format(tmp_path, format):
    with pytest.raises(BadInput, match=f"holds rows of format {format}; this method reads preference"):
        read(tmp_path, format=format)


def test_no_dataset_at_all(tmp_path):
    job = Job(write_job(tmp_path, "x", params={}, inputs={"init_from": [used("model:a@1", None)]}))
    with pytest.raises(BadInput, match="names no dataset"):
        read_pairs(job, validate({}), CHATS)
