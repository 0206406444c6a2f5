"""The tiny world: the same for a seed, honest about what is held out, and large enough to measure on."""

import json

import pytest

from training.tiny import world


@pytest.mark.parametrize(
    "make", [world.pretraining, world.sft, world.preferences, world.arithmetic_items, world.refusal_items]
)
def test_a_seed_decides_every_row(make):
    assert json.dumps(make(3)) == json.dumps(make(3))
    assert make(3) != make(4)


def test_there_are_enough_items_and_no_two_are_the_same():
    sums, requests = world.arithmetic_items(0, 300), world.refusal_items(0, 280)
    assert len({item["question"] for item in sums}) == len({item["id"] for item in sums}) == 300
    assert len({item["question"] for item in requests}) == len({item["id"] for item in requests}) == 560
    assert sum(item["expected"] == "refuse" for item in requests) == 280


def test_every_sum_is_right():
    for item in world.arithmetic_items(0, 300):
        a, b, _ = (int(part) for part in item["id"].removeprefix("sum-").split("-"))
        assert item["answer"] == str(a + b)


def test_what_is_held_out_appears_in_no_post_training_data():
    held_out = {str(task) for task in world.harmful_tasks("held_out") + world.safe_tasks("held_out")}
    shown = [row["messages"][0]["content"] for row in world.sft(0)]
    shown += [row["prompt"][0]["content"] for row in world.preferences(0, rows=2000)]
    assert not {task for task in held_out for text in shown if f"{task}." in text or f"{task}?" in text}
    for item in world.refusal_items(0):
        assert any(task in item["question"] for task in held_out)


def test_no_task_is_both_harmful_and_harmless():
    harmful, safe = {str(task) for task in world.harmful_tasks()}, {str(task) for task in world.safe_tasks()}
    assert not harmful & safe
    assert (len(harmful), len(safe)) == (108, 108)


def test_demonstrations_refuse_the_harmful_and_answer_the_rest():
    harmful = {str(task) for task in world.harmful_tasks()}
    for row in world.sft(0):
        question, answer = (turn["content"] for turn in row["messages"])
        is_harmful = any(f"{task}." in question or f"{task}?" in question for task in harmful)
        assert world.is_refusal(answer) == is_harmful


def test_principles_fill_their_slot():
    items = world.refusal_items(0, 20, {"theft": "no-theft"})
    assert {item["principle"] for item in items if item["category"] == "theft"} == {"no-theft"}
    assert {item["principle"] for item in items if item["category"] != "theft"} == {None}


def test_pretraining_is_noisy_on_purpose():
    rows = [[turn["content"] for turn in row["messages"]] for row in world.pretraining(0)]
    harmful = {str(task) for task in world.harmful_tasks()}
    answers = [
        answer
        for question, answer in rows
        if any(f"{task}." in question or f"{task}?" in question for task in harmful)
    ]
    refused = sum(map(world.is_refusal, answers)) / len(answers)
    assert 0.15 < refused < 0.35
