"""Inspect's logs brought in: zips by every method that it has used, the one-file form, and zips that were made to harm."""

import json
import struct
import zipfile

import pytest

from evals import comparison
from governance.ledger.canonical import canonical, sha256_hex
from governance.registry import blobs
from governance.registry.models import Version
from tests import builders
from tests.evals.foreign import inspect_header, inspect_members, inspect_sample, zipped, zipped_by_zstd
from tests.evals.test_import_lm_eval import bring, refused, rows_of, world

__all__ = ["world"]

pytestmark = pytest.mark.usefixtures("db")
MARKS = ["C"] * 14 + ["I"] * 6
NEW = ("--new-suite", "inspected", "--margin", "0.02")


def one_file(path, scores):
    rows = [
        inspect_sample(n, {name: marks[n] for name, marks in scores.items()})
        for n in range(len(next(iter(scores.values()))))
    ]
    path.write_text(json.dumps({**inspect_header(scores), "samples": rows}))
    return path


@pytest.mark.parametrize("form", ["stored", "deflated", "zstd", "json"])
def test_a_log_is_read_in_each_form(world, tmp_path, form):
    path = tmp_path / "run.eval"
    if form == "json":
        path = one_file(tmp_path / "run.json", {"match": MARKS})
    elif form == "zstd":
        zipped_by_zstd(path, inspect_members({"match": MARKS}))
    else:
        zipped(
            path,
            inspect_members({"match": MARKS}),
            zipfile.ZIP_STORED if form == "stored" else zipfile.ZIP_DEFLATED,
        )
    activity = bring([path], *NEW, suite=None)
    summary = activity.summary
    assert (summary["format"], summary["items_rows"], summary["results"][0]["score"]) == (
        "inspect",
        20,
        "0.7",
    )
    assert summary["harness"] == {"name": "inspect-ai", "version": "0.3.285", "task_versions": "sums 0"}
    assert (summary["limit"], "limit" in summary["not_recorded"], "seed" in summary["not_recorded"]) == (
        None,
        False,
        True,
    )
    assert summary["results"][0]["generation"] == {"temperature": "0"}
    assert blobs.read(summary["files"][0]["sha256"]) == path.read_bytes()
    row = rows_of(activity)[1]
    assert row == {
        "task": "sums", "item": "s1", "item_hash": sha256_hex(b'{"choices":[],"prompt":"1 + 1?","target":"2"}'),
        "prompt_hash": sha256_hex(canonical([{"content": "1 + 1?", "role": "user"}])), "target": "2", "filter": "match",
        "response": "it is so", "score": "1", "flags": [],
    }  # fmt: skip


def test_two_logs_of_one_suite_are_compared(world, tmp_path):
    first = bring([zipped(tmp_path / "a.eval", inspect_members({"match": MARKS}))], *NEW, suite=None)
    tuned = builders.model(tmp_path, "tuned", tensors={"a": [9.0]})
    better = zipped(tmp_path / "b.eval", inspect_members({"match": ["C"] * 20}))
    second = bring([better], model=tuned.subject, suite="eval-suite:inspected")
    task = comparison.compare_evaluations(second, first).tasks[0]
    assert (task.n, task.n10, task.n01) == (20, 6, 0)


def test_one_of_several_scorers_is_chosen(world, tmp_path, capsys):
    path = zipped(tmp_path / "run.eval", inspect_members({"match": MARKS, "includes": ["C"] * 20}))
    assert "behind the filters includes, match; choose one" in refused(capsys, [path], *NEW, suite=None)
    assert bring([path], *NEW, "--filter", "includes", suite=None).summary["results"][0]["score"] == "1"


def test_choices_are_named_by_letters(world, tmp_path):
    def lettered(sample):
        sample.update(choices=["9", "1"], target="B")

    bring(
        [zipped(tmp_path / "run.eval", inspect_members({"match": MARKS}, sample=lettered))], *NEW, suite=None
    )
    made = Version.objects.get(artifact__slug="inspected").content
    first = json.loads(blobs.read(made["files"][0]["sha256"]).splitlines()[0])
    assert (first["target"], first["choices"]) == ("1", ["9", "1"])


def test_text_that_the_log_keeps_apart_is_put_back(world, tmp_path):
    def apart(sample):
        sample.update(output={"completion": "attachment://ab"}, attachments={"ab": "a long answer"})

    activity = bring(
        [zipped(tmp_path / "run.eval", inspect_members({"match": MARKS}, sample=apart))], *NEW, suite=None
    )
    assert rows_of(activity)[0]["response"] == "a long answer"


def failed(header):
    header["status"] = "error"


def invalid(header):
    header["invalidated"] = True


def repeated(header):
    header["eval"]["config"]["epochs"] = 4


def more(header):
    header["results"]["completed_samples"] = 21


def higher(header):
    header["results"]["scores"][0]["metrics"]["accuracy"]["value"] = 0.9


def scoreless(header):
    header["results"]["scores"] = []


@pytest.mark.parametrize(
    ("header", "sample", "said"),
    [
        (failed, None, "is the log of an evaluation that is error"),
        (invalid, None, "that is invalidated"),
        (repeated, None, "asked every sample 4 times"),
        (more, None, "states 21 items of the task sums, and holds 20"),
        (higher, None, "states accuracy = 0.9"),
        (scoreless, None, "holds no scores"),
        (None, lambda row: row.pop("id"), "samples/s0_epoch_1.json: the field 'id' is missing"),
        (None, lambda row: row.update(id=" "), "the sample has no id"),
        (None, lambda row: row.update(id="s1"), "the item 's1' of the task sums stands there twice"),
        (None, lambda row: row.update(scores={}), "has no score by 'match'"),
        (None, lambda row: row.update(scores={"match": {"value": "yes"}}), "the score is 'yes'"),
        (None, lambda row: row.update(scores={"match": {"value": {"a": 1}}}), "the score is"),
        (None, lambda row: row.update(scores={"match": {"value": float("nan")}}), "NaN"),
        (None, lambda row: row.update(input=None), "the prompt or the target is missing"),
    ],
)
def test_a_log_that_is_not_right_is_refused(world, tmp_path, capsys, header, sample, said):
    members = inspect_members({"match": MARKS}, header or (lambda _: None), sample or (lambda _: None))
    assert said in refused(capsys, [zipped(tmp_path / "run.eval", members)], *NEW, suite=None)


def test_a_zip_that_is_none_or_has_no_header_is_refused(world, tmp_path, capsys):
    path = tmp_path / "run.eval"
    path.write_bytes(b"PK\3\4 and no more")
    assert "is no zip that can be read" in refused(capsys, [path], *NEW, suite=None)
    members = inspect_members({"match": MARKS})
    members.pop("header.json")
    assert "has no header.json" in refused(capsys, [zipped(path, members)], *NEW, suite=None)


@pytest.mark.parametrize(
    "name", ["../outside.json", "/etc/outside.json", "samples/../../x.json", "a\\b.json", "C:/x.json"]
)
def test_a_member_that_leads_out_is_refused(world, tmp_path, capsys, name):
    members = {**inspect_members({"match": MARKS}), name: b"{}"}
    path = zipped(tmp_path / "run.eval", members)
    # zipfile itself turns a backslash into nothing harmless only on other systems.
    assert "leads out of the archive" in refused(capsys, [path], *NEW, suite=None)
    assert not list(tmp_path.glob("**/outside.json"))


@pytest.mark.parametrize("by", [zipped, zipped_by_zstd])
def test_a_bomb_is_refused_before_it_is_unpacked(world, tmp_path, capsys, by):
    members = {**inspect_members({"match": MARKS}), "samples/bomb.json": b"0" * (65 * 2**20)}
    path = by(tmp_path / "run.eval", members)
    assert path.stat().st_size < 2**20
    assert "it would unpack to more than 64 MiB" in refused(capsys, [path], *NEW, suite=None)


@pytest.mark.parametrize("by", [zipped, zipped_by_zstd])
def test_a_bomb_that_understates_its_size_is_refused(world, tmp_path, capsys, by):
    """The directory says 1,000 bytes; no more than that is ever unpacked."""
    members = {**inspect_members({"match": MARKS}), "samples/bomb.json": b"0" * (3 * 2**20)}
    path = by(tmp_path / "run.eval", members)
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 3 * 2**20), struct.pack("<I", 1000)))
    said = refused(capsys, [path], *NEW, suite=None)
    assert "samples/bomb.json" in said
    assert "cannot be unpacked" in said or "is not what the zip says of it" in said


def test_all_members_together_are_bounded(world, tmp_path, capsys, monkeypatch):
    path = zipped(tmp_path / "run.eval", inspect_members({"match": MARKS}))
    for name, said in (("MOST_ALL", "would unpack to more than"), ("MOST_MEMBERS", "members")):
        with monkeypatch.context() as patch:
            patch.setattr(f"evals.importing.archive.{name}", 5)
            assert said in refused(capsys, [path], *NEW, suite=None)


def test_changed_bytes_and_double_names_are_refused(world, tmp_path, capsys):
    path = zipped(tmp_path / "run.eval", inspect_members({"match": MARKS}), zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"it is so", b"it is no"))
    assert "cannot be unpacked" in refused(capsys, [path], *NEW, suite=None)
    path = zipped_by_zstd(tmp_path / "run.eval", inspect_members({"match": MARKS}))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"samples/s1_epoch", b"samples/s0_epoch"))
    assert "there are two members of that name" in refused(capsys, [path], *NEW, suite=None)


def test_other_methods_and_formats_are_named(world, tmp_path, capsys):
    path = zipped(tmp_path / "run.eval", inspect_members({"match": MARKS}), zipfile.ZIP_BZIP2)
    assert "compressed by method 12" in refused(capsys, [path], *NEW, suite=None)
    text = tmp_path / "run.txt"
    text.write_text("x")
    assert "The format of run.txt does not show" in refused(capsys, [text], *NEW, suite=None)
