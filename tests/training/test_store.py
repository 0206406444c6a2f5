"""Files that somebody else writes, at any moment and with anything in them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import outcome, store
from training.models import RunEvent
from training.store import Tail

LINE = {"step": 1, "at": "2026-01-02T03:04:05.000Z", "values": {"loss": "0.5"}}


def test_a_half_written_line_waits_for_its_end(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    assert list(tail.read()) == []
    path.write_text('{"a": 1}\n{"a"')
    assert list(tail.read()) == [(1, {"a": 1})]
    with path.open("a") as file:
        file.write(': 2}\n{"a": 3}\n')
    assert list(tail.read()) == [(2, {"a": 2}), (3, {"a": 3})]
    assert list(tail.read()) == []


def test_a_later_reader_goes_on_where_the_earlier_one_stopped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f'{{"a": {n}}}\n' for n in range(1, 6)))
    assert [number for number, _ in Tail(path, seen=3).read()] == [4, 5]


def test_lines_that_are_no_objects_are_counted_and_passed_over(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"a": 1}\nnonsense\n[1]\n\xff\xfe\n\n' + b"[" * 100_000 + b'\n{"a": "\\u0000x"}\n')
    assert list(Tail(path).read()) == [(1, {"a": 1}), (7, {"a": "x"})]


def test_a_line_longer_than_the_reader_holds_is_dropped_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "CHUNK", 64)
    monkeypatch.setattr(store, "LONGEST_LINE", 64)
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"a": 1}\n' + '{"b": "' + "x" * 300 + '"}\n{"a": 3}\n')
    assert list(Tail(path).read()) == [(1, {"a": 1}), (3, {"a": 3})]


@given(st.lists(st.text(max_size=30), max_size=20), st.lists(st.integers(1, 40), max_size=60))
def test_every_line_is_read_once_however_it_arrives(tmp_path_factory, texts, cuts):
    path = tmp_path_factory.mktemp("tail") / "events.jsonl"
    data = b"".join(json.dumps({"text": text.replace("\0", "")}).encode() + b"\n" for text in texts)
    tail, got = Tail(path), []
    for size in [*cuts, len(data)]:
        with path.open("ab") as file:
            file.write(data[:size])
        data = data[size:]
        got += list(tail.read())
    assert got == [(number, {"text": text.replace("\0", "")}) for number, text in enumerate(texts, 1)]


def test_of_progress_told_at_once_only_the_newest_is_kept():
    events = [
        RunEvent(seq=seq, name=name) for seq, name in enumerate(["progress", "phase", "progress", "log"], 1)
    ]
    assert [event.seq for event in store._thinned(events)] == [2, 3, 4]


def test_the_line_of_a_killed_job_is_ended_before_the_next_one_writes(tmp_path):
    (tmp_path / "events.jsonl").write_text('{"at": 1}\n{"ev')
    (tmp_path / "metrics.jsonl").write_text("")
    store.end_last_line(tmp_path)
    store.end_last_line(tmp_path)
    assert (tmp_path / "events.jsonl").read_text() == '{"at": 1}\n{"ev\n'
    assert (tmp_path / "metrics.jsonl").read_text() == ""


GOOD = {"status": "succeeded", "reason": None, "failure_class": None, "outputs": [], "summary": {}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "not as agreed"),
        (json.dumps({**GOOD, "status": "fine"}), "status"),
        (
            json.dumps({**GOOD, "outputs": [{"path": "../x", "size": 1, "sha256": "0" * 64}]}),
            "outputs.0.path",
        ),
        (json.dumps({**GOOD, "outputs": [{"path": "x", "size": 1, "sha256": "0"}]}), "outputs.0.sha256"),
        (json.dumps({**GOOD, "surprise": 1}), "surprise"),
        (json.dumps({**GOOD, "summary": {"n": 2**60}}), "cannot be read"),
    ],
)
def test_a_result_that_is_not_as_agreed_is_not_believed(tmp_path, text, said):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(outcome.BadResult, match=said):
        outcome.read(tmp_path)


def test_no_result_is_none(tmp_path):
    assert outcome.read(tmp_path) is None


def test_an_output_that_is_a_link_is_refused(tmp_path):
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    (outputs / "passwd").symlink_to(Path("/etc/passwd"))
    with pytest.raises(outcome.BadResult, match="symbolic link"):
        outcome.check_outputs(outcome.Result.model_validate(GOOD), outputs)


def test_the_last_line_of_a_log(tmp_path):
    log = tmp_path / "log.txt"
    assert outcome.last_line(log) == ""
    log.write_bytes(b"first\n" * 5000 + b"last \xff\0 words\n\n")
    assert outcome.last_line(log) == "last � words"
    assert outcome.died(-9, tmp_path).reason.endswith("left no result. It last said: last � words")
