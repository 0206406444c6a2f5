"""Files over HTTP: datasets, models and suites in, their bytes out, and what strangers' files may not do."""

import errno
import json

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient
from rest_framework.test import APIClient

from governance.registry import blobs
from governance.registry.models import Activity, Blob, Version
from tests.api.conftest import V1, fields, problem
from tests.builders import write_model

ROW = {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hi."}]}
META = "description: Chats.\nlicence: CC0-1.0\nsource_type: human\n"
SUITE = """
title: Sums
status: dev
tasks:
- {name: sums, kind: exact_match, metric: exact_match, margin: 0.05, file: items.jsonl}
"""


def lines(*rows, name="chats.jsonl"):
    return SimpleUploadedFile(name, "".join(json.dumps(row) + "\n" for row in rows).encode())


def text(name, content):
    return SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def ada(signed_in):
    return signed_in("ada")


def upload(client, *files, kind="dataset", slug="chats", meta=META, **more):
    return client.post(
        f"{V1}/versions/upload/",
        {"kind": kind, "slug": slug, "meta": meta, "file": list(files), **more},
        format="multipart",
    )


def test_a_dataset_is_registered_from_its_file(ada):
    response = upload(ada, lines(ROW, ROW), title="Chats")
    assert response.status_code == 201, response.content
    version = Version.objects.get()
    assert (version.state, version.content["rows"], version.artifact.title) == ("sealed", 2, "Chats")
    assert Blob.objects.get().sha256 == version.content["files"][0]["sha256"]
    assert Activity.objects.get().by == "person:ada"
    assert upload(ada, lines(ROW, ROW)).status_code == 200
    assert Version.objects.count() == 1


def test_metadata_may_be_a_file_and_json(ada):
    meta = text(
        "meta.json", json.dumps({"description": "Chats.", "licence": "CC0-1.0", "source_type": "human"})
    )
    assert upload(ada, lines(ROW), meta=meta).status_code == 201


def test_a_model_is_registered_from_all_its_files(ada, tmp_path):
    folder = write_model(tmp_path / "model")
    files = [text(path.name, path.read_bytes()) for path in folder.iterdir()]
    response = upload(ada, *files, kind="model", slug="base", meta="description: A model.\nlicence: MIT\n")
    assert response.status_code == 201, response.content
    assert Version.objects.get().content["parameters"] == 6


def test_a_suite_is_registered_with_its_items(ada):
    items = lines({"id": "1", "prompt": "1+1", "target": "2"}, name="items.jsonl")
    response = upload(ada, text("suite.yaml", SUITE), items, kind="eval-suite", slug="sums", meta="")
    assert response.status_code == 201, response.content
    assert Version.objects.get().content["tasks"][0]["margin"] == "0.05"


def test_the_bytes_come_back(ada, signed_in):
    upload(ada, lines(ROW))
    listed = signed_in("otto").get(f"{V1}/versions/dataset/chats/1/files/").json()["results"]
    assert [entry["path"] for entry in listed] == ["chats.jsonl"]
    response = signed_in("otto").get(f"{V1}/versions/dataset/chats/1/files/{listed[0]['sha256']}/")
    assert b"".join(response.streaming_content) == json.dumps(ROW).encode() + b"\n"
    assert int(response["Content-Length"]) == listed[0]["size"]
    assert response["Content-Disposition"] == 'attachment; filename="chats.jsonl"'


def test_bytes_that_are_gone_are_told_before_the_first_chunk(ada):
    upload(ada, lines(ROW))
    sha256 = Blob.objects.get().sha256
    blobs.store().delete(blobs.place(sha256))
    assert "restore" in problem(ada.get(f"{V1}/versions/dataset/chats/1/files/{sha256}/"), 503)["detail"]
    problem(ada.get(f"{V1}/versions/dataset/chats/1/files/{'0' * 64}/"), 404)


def test_the_asgi_server_streams_chunk_by_chunk(ada, with_token, monkeypatch):
    upload(ada, lines(*[ROW] * 50))
    monkeypatch.setattr("governance.api.downloads.CHUNK", 100)
    sha256 = Blob.objects.get().sha256
    bearer = with_token("otto").defaults["HTTP_AUTHORIZATION"]

    async def fetch():
        place = f"{V1}/versions/dataset/chats/1/files/{sha256}/"
        response = await AsyncClient().get(place, headers={"authorization": bearer})
        assert response.is_async
        return [chunk async for chunk in response.streaming_content]

    chunks = async_to_sync(fetch)()
    assert b"".join(chunks) == blobs.read(sha256)
    assert len(chunks) > 10


def test_restricted_files_are_for_some(ada, signed_in, with_token):
    upload(ada, lines(ROW), restricted="true")
    sha256 = Blob.objects.get().sha256
    for path in ("", "files/", f"files/{sha256}/"):
        for name in ("otto", "root", "polly", "eno", "mara"):
            assert (
                "restricted"
                in problem(signed_in(name).get(f"{V1}/versions/dataset/chats/1/{path}"), 403)["detail"]
            )
        for name in ("ada", "ravi", "axel"):
            assert signed_in(name).get(f"{V1}/versions/dataset/chats/1/{path}").status_code == 200
    problem(signed_in("otto").get(f"{V1}/versions/by-digest/{Version.objects.get().digest}/"), 403)
    problem(signed_in("otto").get(f"{V1}/versions/find/?subject=chats"), 403)
    row = signed_in("otto").get(f"{V1}/versions/").json()["results"][0]
    assert row["restricted"] is True
    assert "content" not in row


BAD_ROWS = b'{"prompt": "a", "completion": "b"}\n'


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (BAD_ROWS * 3 + b"{\n", "line 4"),
        (BAD_ROWS + b'{"prompt": "\xff"}\n', "line 2"),
        (BAD_ROWS + b'{"prompt": "\\ud800", "completion": "x"}\n', "line 2"),
        (b"[1]\n", "line 1"),
        (b'{"other": 1}\n', "line 1"),
        (b"[" * 100_000, "line 1"),
        (b"\n\n", "no rows"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_kept(ada, content, rule):
    told = problem(upload(ada, text("chats.jsonl", content)), 422)
    assert rule in told["detail"]
    assert not Version.objects.exists()
    assert not Blob.objects.exists()


@pytest.mark.parametrize(
    "meta",
    [
        "- a list",
        "columns: 5",
        "columns: [a]",
        "format: nonsense",
        "format: [x]",
        "description: &a [x]\nsource: *a",
        "[" * 500,
        "description: 2001-01-01\nlicence: x",
        'description: "\\ud800"',
        "a: b: c",
        "? [a]\n: b",
        "!!python/object/apply:os.system [id]",
        '{"description": NaN}',
        "gaps: 7",
        "\x00",
    ],
)
def test_bad_metadata_is_a_refusal(ada, meta):
    response = upload(ada, lines(ROW), meta=meta)
    assert response.status_code in (400, 422), response.content
    assert response["Content-Type"] == "application/problem+json"
    assert not Version.objects.exists()


def test_yaml_that_multiplies_is_not_read_whatever_it_is_called(ada, signed_in):
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\ntitle: *b\n"
    for name in ("house.yaml", "house.txt", "house"):
        told = problem(
            upload(signed_in("polly"), text(name, bomb), kind="constitution", slug="house", meta=""), 422
        )
        assert "aliases" in told["detail"]
    assert "aliases" in problem(upload(ada, lines(ROW), meta=bomb), 422)["detail"]


@pytest.mark.parametrize(
    "more",
    [
        {"tasks": [{"name": "x", "file": ["items.jsonl"]}]},
        {"items": {"items.jsonl": {"from": "/etc/hosts"}}},
        {"tasks": [{"name": "x", "file": "../../etc/hosts"}]},
    ],
)
def test_a_suite_reads_nothing_but_what_came_with_it(ada, more):
    problem(upload(ada, text("suite.yaml", SUITE), kind="eval-suite", slug="x", meta=json.dumps(more)), 422)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"[]"),
        ("config.json", b"\xff"),
        ("tokenizer_config.json", b"7"),
        ("model.safetensors", b"short"),
        (
            "model.safetensors",
            (40).to_bytes(8, "little") + b'{"a":{"dtype":1,"shape":"x","data_offsets":[1]}}',
        ),
    ],
)
def test_a_broken_model_is_a_refusal(ada, tmp_path, name, content):
    folder = write_model(tmp_path / "model")
    (folder / name).write_bytes(content)
    files = [text(path.name, path.read_bytes()) for path in folder.iterdir()]
    problem(upload(ada, *files, kind="model", slug="base", meta="description: A model.\n"), 422)
    assert not Version.objects.exists()


def test_a_wrong_form_names_its_fields(ada):
    problem(ada.post(f"{V1}/versions/upload/", {}, format="json"), 415)
    assert fields(
        problem(ada.post(f"{V1}/versions/upload/", {"kind": "dataset"}, format="multipart"), 400)
    ) == {"slug", "file"}
    assert fields(problem(upload(ada, text("empty.jsonl", b"")), 400)) == {"file.0"}
    assert fields(problem(upload(ada, lines(ROW), lines(ROW)), 400)) == {"file"}
    assert fields(problem(upload(ada, lines(ROW), meta="x" * (1 << 20) + "x"), 400)) == {"meta"}
    assert fields(problem(upload(ada, "no file"), 400)) == {"file.0"}


def test_an_upload_beyond_the_limit_is_refused_unread(ada, settings):
    settings.CHARTER_UPLOAD_BYTES = 200
    assert "manage.py register" in problem(upload(ada, lines(ROW, ROW)), 413)["detail"]


def test_a_form_field_beyond_the_limit_is_refused(ada, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    problem(upload(ada, lines(ROW), meta="x" * 2000), 413)


def test_a_full_disk_says_so_and_keeps_nothing(ada, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs, "put", full)
    assert "No space left" in problem(upload(ada, lines(ROW)), 507)["detail"]
    assert not Version.objects.exists()


def test_policy_editors_upload_and_reviewers_do_not(signed_in, with_token):
    problem(upload(signed_in("ravi"), lines(ROW)), 403)
    problem(upload(with_token("ada"), lines(ROW)), 403)
    assert upload(with_token("ada", "registry:version:register"), lines(ROW)).status_code == 201


def test_an_upload_by_session_needs_its_csrf_token(cast):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(cast.ada)
    problem(upload(client, lines(ROW)), 403)
