"""`register`: through the command, then the rows, the blobs and the ledger."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from governance.ledger.models import Entry
from governance.registry import actions, blobs, lookup
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError, Ref
from governance.registry.models import Activity, Artifact, Version
from tests import builders
from tests.cast import gather

pytestmark = pytest.mark.django_db
META = "description: Sums.\nlicence: CC0-1.0\nsource_type: synthetic\n"


@pytest.fixture(autouse=True)
def cast():
    return gather()


def run(capsys, *args: str, code: int | None = None) -> tuple[str, str]:
    if code is None:
        call_command(*args)
    else:
        with pytest.raises(SystemExit) as stopped:
            call_command(*args)
        assert stopped.value.code == code
    return capsys.readouterr()


def dataset_file(folder: Path, rows: list[dict] | None = None) -> tuple[str, str]:
    path = builders.write_lines(folder / "rows.jsonl", rows or [{"text": "one"}, {"text": "two"}])
    (folder / "meta.yaml").write_text(META)
    return str(path), str(folder / "meta.yaml")


def test_a_dataset_becomes_a_sealed_version_with_its_bytes_and_entries(tmp_path, capsys):
    path, meta = dataset_file(tmp_path)
    out, _ = run(capsys, "register", "dataset", "sums", path, "--meta", meta, "--as", "ada", "--json")
    version = lookup.find("dataset:sums@1")
    assert json.loads(out) == {"subject": "dataset:sums@1", "digest": version.digest, "state": "sealed"}
    assert version.content["rows"] == 2
    assert blobs.read(version.content["files"][0]["sha256"]) == Path(path).read_bytes()
    ops = list(Entry.objects.filter(object_id=str(version.pk)).values_list("op", flat=True))
    assert ops == ["registry:version:registered"]
    assert "for person:ada" in Entry.objects.get(object_id=str(version.pk)).actor
    assert Activity.objects.get(kind="import").produced == [
        {"role": "imported", "subject": "dataset:sums@1", "digest": version.digest}
    ]


def test_the_same_content_again_is_the_same_version_and_another_activity(tmp_path, capsys):
    path, meta = dataset_file(tmp_path)
    for _ in range(2):
        run(capsys, "register", "dataset", "sums", path, "--meta", meta, "--as", "ada")
    assert Version.objects.count() == 1
    assert Activity.objects.filter(kind="import").count() == 2


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "holds no rows"),
        (b'{"text": "a"}\n{"text": "b', "line 2 of rows.jsonl is not JSON"),
        (b'{"text": "a"}\n\xff\xfe{}\n', "line 2 of rows.jsonl is not UTF-8"),
        (b'{"text": "a"}\n' * 500 + b"[1]\n", "line 501 of rows.jsonl is no JSON object"),
        (b'{"text": "a"}\n{"other": "b"}\n', "line 2 of rows.jsonl has no 'text'"),
        (b'{"text": NaN}\n', "line 1 of rows.jsonl: NaN is not JSON"),
        (b'{"text": "a", "text": "b"}\n', "a key stands twice"),
        (b'{"question": "a"}\n', "no known format"),
        (b'{"messages": [{"role": "user"}]}\n', "neither text nor a list of messages"),
    ],
)
def test_a_bad_file_is_refused_by_line_and_nothing_is_recorded(tmp_path, capsys, data, says):
    path, meta = dataset_file(tmp_path)
    Path(path).write_bytes(data)
    before = Entry.objects.count()
    _, err = run(capsys, "register", "dataset", "sums", path, "--meta", meta, "--as", "ada", code=1)
    assert says in err
    assert (Entry.objects.count(), Artifact.objects.count(), Version.objects.count()) == (before, 0, 0)


def test_unknown_kind_field_and_slug_name_what_would_be_right(tmp_path, capsys):
    path, meta = dataset_file(tmp_path)
    assert "Did you mean dataset?" in run(capsys, "register", "datset", "x", path, "--as", "ada", code=1)[1]
    assert (
        "'Bad Slug' is no name"
        in run(capsys, "register", "dataset", "Bad Slug", path, "--meta", meta, "--as", "ada", code=1)[1]
    )
    Path(meta).write_text(f"{META}licnce: MIT\n")
    assert "licnce" in run(capsys, "register", "dataset", "x", path, "--meta", meta, "--as", "ada", code=1)[1]


def test_what_has_no_canonical_form_is_a_refusal(tmp_path, capsys):
    recipe = "title: R\nstages: [{name: a, stage: sft, inputs: {init_from: ['model:x']}, params: {%s}}]\n"
    for params, says in (
        ("when: !!timestamp 2024-01-01", "date has no canonical form"),
        ("n: 99999999999999999", "outside"),
    ):
        (tmp_path / "r.yaml").write_text(recipe % params)
        _, err = run(capsys, "register", "recipe", "r", str(tmp_path / "r.yaml"), "--as", "ada", code=1)
        assert says in err
    assert not Version.objects.exists()


def test_content_lists_each_file_once_and_with_its_size(tmp_path):
    version = builders.dataset(tmp_path)
    (entry,) = version.content["files"]
    with pytest.raises(ContentError, match=r"path used twice: chats\.jsonl"):
        actions.register("dataset", "twice", {**version.content, "files": [entry, entry]}, actor=builders.ADA)
    wrong = {**version.content, "files": [{**entry, "size": 7}]}
    with pytest.raises(Refused, match=r"has \d+ bytes, and the content says 7"):
        actions.register("dataset", "wrong", wrong, actor=builders.ADA)


def test_an_auditor_and_an_outsider_may_not_register(tmp_path, capsys):
    path, meta = dataset_file(tmp_path)
    for name in ("axel", "otto"):
        _, err = run(capsys, "register", "dataset", "sums", path, "--meta", meta, "--as", name, code=1)
        assert "needs the group" in err
    assert not Version.objects.exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path, capsys, monkeypatch):
    path, meta = dataset_file(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    _, err = run(capsys, "register", "dataset", "sums", path, "--meta", meta, "--as", "ada", code=3)
    assert "No space left" in err
    assert not Version.objects.exists()
    assert not list((tmp_path / "home" / "blobs").rglob(".part-*"))


def test_a_model_folder_with_a_pickle_is_refused(tmp_path, capsys):
    folder = builders.write_model(tmp_path / "model")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    _, err = run(capsys, "register", "model", "m", str(folder), "--as", "ada", code=1)
    assert "pytorch_model.bin can run code" in err


def test_a_truncated_model_is_refused(tmp_path, capsys):
    folder = builders.write_model(tmp_path / "model")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-4])
    _, err = run(capsys, "register", "model", "m", str(folder), "--as", "ada", code=1)
    assert "truncated" in err


def test_fractions_keep_the_text_that_was_written(tmp_path, capsys):
    (tmp_path / "d.yaml").write_text(
        "engine: transformers\nengine_version: 5.24.0\ncontext_length: 512\n"
        "decoding: {do_sample: true, temperature: 0.70, top_p: 1e-1, max_new_tokens: 8}\n"
    )
    run(capsys, "register", "deployment", "home", str(tmp_path / "d.yaml"), "--as", "ada")
    decoding = lookup.find("deployment:home").content["decoding"]
    assert (decoding["temperature"], decoding["top_p"]) == ("0.7", "0.1")


def test_a_digest_ends_where_it_ends():
    with pytest.raises(ValueError, match="digest"):
        Ref(subject="model:base@1", digest="a" * 64 + "\n")
