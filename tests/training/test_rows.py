"""What trainers read of datasets in each format."""

import json
from pathlib import Path

import pytest

from tests.builders import write_lines
from tests.training.jobs import used
from training.runner.failures import BadInput
from training.runner.job import JobInput
from training.runner.rows import both, conversation, pair_in, read_rows

USER = {"role": "user", "content": "Hi?"}
ANSWER = {"role": "assistant", "content": "Hi."}
WORSE = {"role": "assistant", "content": "What?"}
PAIR = {"prompt": [USER], "chosen": [ANSWER], "rejected": [WORSE]}
TOOL = {"type": "function", "function": {"name": "add"}}


def data(folder: Path, rows: list[dict], format: str, slug: str = "rows", **content) -> JobInput:
    path = write_lines(folder / f"{slug}.jsonl", rows)
    return JobInput(**used(f"dataset:{slug}@1", path, format=format, **content))


def test_transcripts_and_implicit_prompts_become_conversational_pairs(tmp_path):
    transcripts = data(
        tmp_path,
        [{"chosen": "\n\nHuman: Hi?\n\nAssistant: Hi.", "rejected": "\n\nHuman: Hi?\n\nAssistant: What?"}],
        "hh-rlhf",
    )
    implicit = data(
        tmp_path,
        [{"prompt": "Hi?", "chosen": [USER, ANSWER], "rejected": [USER, WORSE]}],
        "implicit-preference",
        "implicit",
    )
    explicit = data(tmp_path, [PAIR], "preference", "explicit")
    assert read_rows([transcripts, implicit, explicit], ("preference",)) == ("preference", [PAIR] * 3)


def test_an_assistant_that_speaks_twice_is_one_turn_for_the_trainer_and_two_in_the_record(tmp_path):
    row = {
        "chosen": "\n\nHuman: a\n\nAssistant: b\n\nAssistant: c",
        "rejected": "\n\nHuman: a\n\nAssistant: d",
    }
    (read,) = read_rows([data(tmp_path, [row], "hh-rlhf")], ("preference",))[1]
    assert read["chosen"] == [{"role": "assistant", "content": "b\n\nc"}]
    assert [turn["content"] for turn in pair_in(row, "hh-rlhf").chosen] == ["b", "c"]


@pytest.mark.parametrize(
    ("format", "row", "read"),
    [
        ("text", {"text": "a", "n": 1}, {"text": "a"}),
        ("messages", {"messages": [USER, ANSWER], "tools": None}, {"messages": [USER, ANSWER]}),
        ("prompt-completion", {"prompt": "a", "completion": "b"}, {"prompt": "a", "completion": "b"}),
        ("unpaired-preference", {"prompt": "a", "completion": "b", "label": True}, {"prompt": "a", "completion": "b", "label": True}),
        ("ranking", {"prompt": "a", "responses": ["b", "c"], "ranks": [1, 1]}, {"prompt": "a", "responses": ["b", "c"], "ranks": [1, 1]}),
        ("items", {"id": "1", "prompt": "a", "target": "b"}, {"id": "1", "prompt": "a", "target": "b"}),
        ("prompt-only", {"prompt": "a", "target": "b", "x": 1}, {"prompt": "a", "target": "b"}),
    ],
)  # fmt: skip
def test_only_the_columns_of_the_format_are_read(tmp_path, format, row, read):
    assert read_rows([data(tmp_path, [row], format)], (format,)) == (format, [read])


def test_tools_come_as_text_so_that_one_has_not_the_parameters_of_another(tmp_path):
    rows = [
        {"messages": [USER, ANSWER], "tools": [TOOL]},
        {"messages": [USER, ANSWER], "tools": json.dumps([TOOL])},
        {"messages": [USER, ANSWER]},
    ]
    read = read_rows([data(tmp_path, rows, "messages")], ("messages",))[1]
    assert [json.loads(row["tools"]) for row in read[:2]] == [[TOOL], [TOOL]]
    assert "tools" not in read[2]


def test_a_prompt_and_its_completion_are_a_conversation():
    spoken = {"messages": [USER, ANSWER]}
    assert conversation({"prompt": "Hi?", "completion": "Hi."}) == spoken
    assert conversation({"prompt": [USER], "completion": [ANSWER], "tools": "[]"}) == {
        **spoken,
        "tools": "[]",
    }


def test_columns_are_read_under_the_names_of_the_format(tmp_path):
    item = data(
        tmp_path, [{"q": "a", "a": "b"}], "prompt-completion", columns={"prompt": "q", "completion": "a"}
    )
    assert list(both(item)) == [({"q": "a", "a": "b"}, {"prompt": "a", "completion": "b"})]


def test_other_encodings_are_read_as_they_are(tmp_path):
    (tmp_path / "rows.csv").write_text('text\n"a\nb"\n')
    item = JobInput(**used("dataset:rows@1", tmp_path / "rows.csv", format="text"))
    assert read_rows([item], ("text",)) == ("text", [{"text": "a\nb"}])


def test_what_a_method_cannot_read_is_refused_with_what_it_can(tmp_path):
    text = data(tmp_path, [{"text": "a"}], "text")
    pair = data(tmp_path, [PAIR], "preference", "pairs")
    with pytest.raises(BadInput, match="this method reads preference, implicit-preference, hh-rlhf"):
        read_rows([text], ("preference",))
    with pytest.raises(BadInput, match=r"several formats \(preference, text\)"):
        read_rows([text, pair], ("preference", "text"))
    with pytest.raises(BadInput, match="names no dataset"):
        read_rows([], ("text",))


def test_a_line_that_does_not_fit_is_named_with_its_dataset(tmp_path):
    item = data(tmp_path, [PAIR, {**PAIR, "chosen": 7}], "preference")
    with pytest.raises(BadInput, match=r"dataset:rows@1: line 2 of rows\.jsonl: 'chosen' is neither text"):
        read_rows([item], ("preference",))
    empty = data(tmp_path, [], "text", "empty")
    with pytest.raises(BadInput, match="no rows to train on in dataset:empty@1"):
        read_rows([empty], ("text",))
