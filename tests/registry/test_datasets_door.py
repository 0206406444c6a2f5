"""Datasets in every encoding through `manage.py register`: what is sealed, what is kept beside it, and what a refusal leaves."""

import gzip
import hashlib
import json
from pathlib import Path

import pyarrow
import pytest
import rfc8785
from django.core.management import call_command
from pyarrow import parquet

from governance.ledger.models import Entry
from governance.registry import actions, blobs, hooks, lookup, rows
from governance.registry.datasets import copies
from governance.registry.kinds.base import ContentError
from governance.registry.models import Blob, Version
from tests.builders import ADA
from tests.cast import gather
from tests.realdata import REAL, requires

pytestmark = pytest.mark.django_db
META = "description: Rows.\nlicence: CC0-1.0\nsource_type: human\n"
ROWS = [{"prompt": f"Question {number}?", "completion": f"Answer,\n“{number}”"} for number in range(5)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


@pytest.fixture(autouse=True)
def cast(settings, tmp_path):
    settings.CHARTER_CACHE = tmp_path / "cache"
    return gather()


def register(capsys, path: Path, *more: str, meta: str = META, code: int | None = None) -> str:
    """Run the command; returns what it printed (to standard error, when it is to fail)."""
    (path.parent / "meta.yaml").write_text(meta)
    args = (
        "register",
        "dataset",
        "rows",
        str(path),
        "--meta",
        str(path.parent / "meta.yaml"),
        "--as",
        "ada",
        *more,
    )
    if code is None:
        call_command(*args)
        return capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        call_command(*args)
    assert stopped.value.code == code
    return capsys.readouterr().err


def digest(found: list[dict]) -> str:
    hashes = (hashlib.sha256(rfc8785.dumps(row)).digest() for row in found)
    return hashlib.sha256(b"".join(hashes)).hexdigest()


def as_csv() -> bytes:
    quoted = ('"{}","{}"\r\n'.format(*row.values()) for row in ROWS)
    return ("prompt,completion\r\n" + "".join(quoted)).encode()


def as_parquet(folder: Path) -> bytes:
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / "written.parquet")
    return (folder / "written.parquet").read_bytes()


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "csv", "csv.gz", "parquet", "json", "ndjson"])
def test_the_same_rows_have_the_same_digest_in_every_encoding(tmp_path, capsys, ending):
    data = {"csv": as_csv(), "csv.gz": gzip.compress(as_csv()), "jsonl.gz": gzip.compress(LINES)}.get(
        ending, LINES
    )
    path = tmp_path / f"rows.{ending}"
    path.write_bytes(as_parquet(tmp_path) if ending == "parquet" else data)
    register(capsys, path)
    version = lookup.find("dataset:rows")
    content = version.content
    assert (content["format"], content["conversational"], content["rows"]) == ("prompt-completion", False, 5)
    assert content["rows_digest"] == digest(ROWS)
    assert content["files"] == [
        {
            "path": path.name,
            "size": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
    ]
    assert blobs.read(content["files"][0]["sha256"]) == path.read_bytes()


ALL = [
    ("rows.jsonl", b'{"text": "a"}\n{"text": "b", "text": "c"}\n'),
    ("rows.jsonl", LINES * 5000 + b"{"),
    ("rows.jsonl.gz", gzip.compress(LINES * 5000)[:-9]),
    ("rows.csv", b"prompt,completion\na\n"),
    ("rows.parquet", b"PAR1 nothing PAR1"),
    ("rows.jsonl", b"PK\x03\x04 and so on"),
]


@pytest.mark.parametrize(("name", "data"), ALL, ids=["key", "line", "gzip", "csv", "parquet", "zip"])
def test_a_refusal_leaves_nothing_behind(tmp_path, capsys, name, data):
    (tmp_path / name).write_bytes(data)
    before = Entry.objects.count()
    assert name in register(capsys, tmp_path / name, code=1)
    assert (Entry.objects.count(), Version.objects.count(), Blob.objects.count()) == (before, 0, 0)
    assert not list((tmp_path / "cache").rglob("*"))
    assert not list((tmp_path / "home" / "blobs").rglob("*.*"))


def test_a_link_and_a_folder_are_refused(tmp_path, capsys):
    (tmp_path / "rows.jsonl").write_bytes(LINES)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "rows.jsonl")
    assert "symbolic link" in register(capsys, tmp_path / "link.jsonl", code=1)
    assert "is no file" in register(capsys, tmp_path, code=1)


def test_a_path_that_leads_outside_is_no_file_of_a_version(tmp_path, capsys):
    (tmp_path / "rows.jsonl").write_bytes(LINES)
    register(capsys, tmp_path / "rows.jsonl")
    content = lookup.find("dataset:rows").content
    for path in ("../rows.jsonl", "/etc/rows.jsonl", "a/../../rows.jsonl", "a\\rows.jsonl", ""):
        entry = {**content["files"][0], "path": path}
        with pytest.raises(ContentError, match="relative"):
            actions.register("dataset", "outside", {**content, "files": [entry]}, actor=ADA)


def test_a_large_file_gets_its_index_in_the_same_pass(tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(LINES * 20_000)
    register(capsys, path)
    version = lookup.find("dataset:rows")
    assert copies.index_path(tmp_path / "cache", version.content["files"][0]["sha256"]).exists()
    page = rows.page(version, 77_777, 3)
    assert (page.total, page.start, page.end, page.next) == (100_000, 77_777, 77_779, 77_780)
    assert [shown.row for shown in page.rows] == [ROWS[number % 5] for number in (77_776, 77_777, 77_778)]
    assert page.rows[0].sha256 == hashlib.sha256(rfc8785.dumps(ROWS[1])).hexdigest()


def test_the_rows_of_a_set_held_elsewhere_are_described_and_not_here(tmp_path, capsys):
    path = tmp_path / "mixture.yaml"
    path.write_text(
        "description: A mixture.\nheld: elsewhere\nrows: 939344\nsource: allenai/tulu-3-sft-mixture\n"
    )
    register(capsys, path, meta="licence: ODC-BY-1.0\nsource_type: other\n")
    version = lookup.find("dataset:rows")
    assert (version.content["held"], version.content["rows"], version.content["files"]) == (
        "elsewhere",
        939_344,
        [],
    )
    with pytest.raises(rows.NoRows, match="held elsewhere"):
        rows.page(version, 1, 5)


def test_a_description_without_rows_says_what_to_do(tmp_path, capsys):
    (tmp_path / "rows.yaml").write_text("description: Rows.\nsource_type: human\n")
    told = register(capsys, tmp_path / "rows.yaml", code=1)
    assert "held: elsewhere" in told
    assert not Version.objects.exists()


@pytest.fixture
def called(monkeypatch):
    """What the hooks of this test were called with; those of the rooms above are put aside."""
    found = []
    monkeypatch.setattr(hooks, "_hooks", [])
    return found


def test_hooks_are_called_after_the_registration_and_may_speak(tmp_path, capsys, called):
    def note(version, actor):
        called.append((version.subject, actor.handle))
        return "Noted."

    hooks.on_registered(note)
    hooks.on_registered(note)
    (tmp_path / "rows.jsonl").write_bytes(LINES)
    (tmp_path / "meta.yaml").write_text(META)
    call_command(
        "register",
        "dataset",
        "rows",
        str(tmp_path / "rows.jsonl"),
        "--meta",
        str(tmp_path / "meta.yaml"),
        "--as",
        "ada",
    )
    assert "Noted." in capsys.readouterr().err
    assert called == [("dataset:rows@1", "ada")]
    register(capsys, tmp_path / "rows.jsonl", "--no-scan")
    assert len(called) == 1


def test_a_hook_that_fails_fails_nothing_and_is_told(tmp_path, capsys, called, caplog):
    def broken(version, actor):
        raise RuntimeError("no worker")

    hooks.on_registered(broken)
    (tmp_path / "rows.jsonl").write_bytes(LINES)
    (tmp_path / "meta.yaml").write_text(META)
    call_command(
        "register",
        "dataset",
        "rows",
        str(tmp_path / "rows.jsonl"),
        "--meta",
        str(tmp_path / "meta.yaml"),
        "--as",
        "ada",
    )
    assert (
        "is registered, but what should follow failed (broken: RuntimeError: no worker)"
        in capsys.readouterr().err
    )
    assert lookup.find("dataset:rows").is_sealed
    assert "no worker" in caplog.text


@requires("hh_rlhf")
def test_published_transcripts_are_registered_whole(tmp_path, capsys):
    path = tmp_path / "test.jsonl.gz"
    path.write_bytes((REAL / "hh_rlhf" / "harmless-base-test.jsonl.gz").read_bytes())
    out = register(capsys, path, "--json", meta="description: HH-RLHF.\nlicence: MIT\nsource_type: public\n")
    version = lookup.find("dataset:rows")
    assert json.loads(out)["subject"] == "dataset:rows@1"
    assert (version.content["format"], version.content["conversational"], version.content["rows"]) == (
        "hh-rlhf",
        True,
        2312,
    )


@requires("xstest")
def test_a_published_table_is_registered_whole(tmp_path, capsys):
    path = tmp_path / "xstest.csv"
    path.write_bytes((REAL / "xstest" / "xstest_prompts.csv").read_bytes())
    register(
        capsys,
        path,
        meta="description: XSTest.\nlicence: CC-BY-4.0\nsource_type: public\nformat: prompt-only\n",
    )
    assert lookup.find("dataset:rows").content["rows"] == 450
