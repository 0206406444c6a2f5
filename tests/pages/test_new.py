"""Register in the browser: one form a kind, errors at their fields, nothing half written."""

import errno
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from governance.ledger.models import Entry
from governance.people.models import SentForm
from governance.registry import actions, blobs, kinds
from governance.registry.models import Activity, Artifact, Blob, Version
from tests.builders import CONSTITUTION, POLLY, write_model
from tests.pages.forms import errors, opened, sendable

ROW = {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hi."}]}
ABOUT = {"slug": "chats", "description": "Chats.", "licence": "CC0-1.0", "source_type": "human"}
HOUSE = """title: House rules
principles:
  - {id: no-harm, text: Refuse to help with what hurts people., kind: refusal}
  - {id: help, text: Help with everything else., authority: guideline}
"""


def rows(*given: dict[str, Any], name: str = "chats.jsonl") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, "".join(json.dumps(row) + "\n" for row in given).encode())


def text(name: str, content: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())


def send(client: Client, kind: str, *files: SimpleUploadedFile, **typed: Any) -> Any:
    """What the browser sends when somebody opens the form, types and presses the button."""
    given = {**opened(client, f"/new/{kind}/"), **typed}
    return client.post(f"/new/{kind}/", {**given, **({"file": list(files)} if files else {})})


def nothing_is_there() -> bool:
    return not (
        Artifact.objects.exists()
        or Version.objects.exists()
        or Blob.objects.exists()
        or Activity.objects.exists()
    )


def test_an_engineer_registers_rows_with_what_they_do_not_say(client_of):
    client = client_of("ada")
    response = send(
        client, "dataset", rows(ROW, ROW), **ABOUT, title="Chats", languages="en\nde", restricted="on"
    )
    assert response.status_code == 302, errors(response)
    version = Version.objects.get()
    assert response["Location"] == f"/versions/{version.subject}/"
    assert (version.state, version.restricted, version.artifact.title) == ("sealed", True, "Chats")
    content = version.content
    assert (content["rows"], content["format"], content["languages"]) == (2, "messages", ["en", "de"])
    assert content["synthetic"] == []
    assert Activity.objects.get().by == "person:ada"
    assert "dataset:chats@1 is registered." in client.get(response["Location"]).content.decode()


def test_nested_fields_columns_and_other_versions_are_typed_too(client_of):
    client = client_of("ada")
    send(client, "dataset", rows(ROW), **ABOUT)
    typed = {
        **ABOUT, "slug": "sums", "columns": "prompt: question\ncompletion: answer", "derived_from": "dataset:chats",
        "synthetic.0.generator": "sums.py", "synthetic.0.generator_version": "1", "synthetic.0.purpose": "Practice.",
        "gaps.0.field": "domains", "gaps.0.state": "undisclosed", "label_source.human": "0.25", "label_source.ai": "0.75",
        "label_source.rule": "0",
    }  # fmt: skip
    response = send(client, "dataset", rows({"question": "1+1?", "answer": "2"}, name="sums.jsonl"), **typed)
    assert response.status_code == 302, errors(response)
    content = Version.objects.get(artifact__slug="sums").content
    assert [one["purpose"] for one in content["synthetic"]] == ["Practice."]
    assert content["columns"] == {"prompt": "question", "completion": "answer"}
    assert content["derived_from"] == [
        {"subject": "dataset:chats@1", "digest": Version.objects.get(artifact__slug="chats").digest}
    ]
    assert content["gaps"][0]["field"] == "domains"
    assert content["label_source"]["ai"] == "0.75"


def test_a_model_is_all_the_files_of_its_folder(client_of, tmp_path):
    files = [text(path.name, path.read_bytes()) for path in write_model(tmp_path / "base").iterdir()]
    response = send(
        client_of("ada"), "model", *files, slug="base", description="A model.", origin="pretrained"
    )
    assert response.status_code == 302, errors(response)
    assert Version.objects.get().content["parameters"] == 6


def test_a_constitution_is_typed_or_a_file(client_of):
    client = client_of("polly")
    typed = send(client, "constitution", slug="house", content=HOUSE.replace("\n", "\r\n"))
    assert typed.status_code == 302, errors(typed)
    filed = send(client, "constitution", text("rules.yaml", HOUSE), slug="garden")
    assert filed.status_code == 302, errors(filed)
    digests = set(Version.objects.values_list("digest", flat=True))
    assert len(digests) == 1, "line breaks of a browser change nothing"
    assert Artifact.objects.get(slug="house").title == "House rules"


def test_a_suite_comes_with_its_items(client_of):
    suite = "title: Sums\nstatus: dev\ntasks:\n- {name: sums, kind: exact_match, metric: exact_match, margin: 0.05, file: items.jsonl}\n"
    items = rows({"id": "1", "prompt": "1+1", "target": "2"}, name="items.jsonl")
    client = client_of("ada")
    response = send(client, "eval-suite", items, slug="sums", content=suite)
    assert response.status_code == 302, errors(response)
    items.seek(0)
    both = send(client, "eval-suite", items, text("suite.yaml", suite), slug="again")
    assert both.status_code == 302, errors(both)
    assert Version.objects.count() == 2


def test_kinds_without_files_are_fields_alone(client_of):
    typed = {
        "slug": "mine",
        "engine": "transformers",
        "engine_version": "5",
        "context_length": "512",
        "decoding.max_new_tokens": "32",
    }
    response = send(client_of("ada"), "deployment", **typed)
    assert response.status_code == 302, errors(response)
    content = Version.objects.get().content
    assert (content["decoding"]["max_new_tokens"], content["decoding"]["do_sample"]) == (32, False)
    prompt = send(
        client_of_polly := client_of("polly"), "system-prompt", slug="brief", text="Be brief.\nBe kind."
    )
    assert prompt.status_code == 302, errors(prompt)
    assert client_of_polly.get(prompt["Location"]).status_code == 200


def test_the_same_content_again_says_which_version_that_is(client_of):
    client = client_of("polly")
    send(client, "constitution", slug="house", content=HOUSE)
    response = send(client, "constitution", slug="house", content=HOUSE)
    assert response["Location"] == "/versions/constitution:house@1/"
    assert (
        "constitution:house@1 holds exactly this already; no new version was made."
        in client.get(response["Location"]).content.decode()
    )
    assert Version.objects.count() == 1


def test_a_form_that_is_sent_twice_registers_once(client_of):
    client = client_of("polly")
    given = {**opened(client, "/new/constitution/"), "slug": "house", "content": HOUSE}
    first = client.post("/new/constitution/", given)
    newest = Entry.objects.latest("id").pk
    second = client.post("/new/constitution/", {**given, "content": HOUSE.replace("hurts", "harms")})
    assert first["Location"] == second["Location"]
    assert "sent before" in client.get(second["Location"]).content.decode()
    assert Entry.objects.latest("id").pk == newest


def test_somebody_elses_form_leads_nobody_to_what_it_made(client_of):
    given = {**opened(client_of("polly"), "/new/constitution/"), "slug": "house", "content": HOUSE}
    client_of("polly").post("/new/constitution/", given)
    other = client_of("ada")
    typed = {
        **opened(other, "/new/deployment/"),
        "slug": "x",
        "engine": "e",
        "engine_version": "1",
        "context_length": "1",
    }
    response = other.post("/new/deployment/", {**typed, "once": given["once"]})
    assert response["Location"] == "/artifacts/"
    assert not Version.objects.filter(artifact__kind="deployment").exists()


def test_a_key_that_no_form_has_is_refused(client_of):
    client = client_of("polly")
    for key in ("", "x" * 32, "0" * 5000, "ä" * 32):
        response = send(client, "constitution", slug="house", content=HOUSE, once=key)
        assert response.status_code == 422
        assert sendable(response)["content"] == HOUSE.rstrip()
    assert nothing_is_there()
    assert not SentForm.objects.exists()


def test_complaints_stand_at_their_fields_and_what_was_typed_stays(client_of):
    client = client_of("ada")
    typed = {
        "slug": "Not A Name",
        "description": "Kept.",
        "columns": "no pair",
        "derived_from": "dataset:nothing",
        "label_source.human": "half",
        "languages": "en",
    }
    response = send(client, "dataset", **typed)
    assert response.status_code == 422
    found = errors(response)
    assert set(found) == {"slug", "columns", "derived_from", "label_source_human", "source_type", "form"}
    assert "lower-case letters" in found["slug"]
    assert "There is no" in found["derived_from"]
    assert "Choose the file." in found["form"]
    assert {name: sendable(response)[name] for name in typed} == typed
    assert nothing_is_there()


def test_one_more_of_a_list_and_a_complaint_about_the_second(client_of):
    client = client_of("ada")
    first = {
        **opened(client, "/new/dataset/"),
        **ABOUT,
        "gaps.0.field": "domains",
        "gaps.0.state": "undisclosed",
    }
    page = client.post("/new/dataset/", {**first, "action": "more"})
    assert (page.status_code, errors(page)) == (200, {})
    given = {**sendable(page), "gaps.1.field": "access", "file": rows(ROW)}
    assert (given["gaps.0.field"], given["description"]) == ("domains", "Chats.")
    assert set(errors(client.post("/new/dataset/", given))) == {"gaps_1_state", "form"}
    given["file"].seek(0)
    assert client.post("/new/dataset/", {**given, "gaps.1.state": "withheld"}).status_code == 302
    assert [gap["field"] for gap in Version.objects.get().content["gaps"]] == ["domains", "access"]


def test_a_list_whose_first_group_is_empty_is_as_long_as_what_was_filled(client_of):
    client = client_of("ada")
    page = sendable(
        client.post("/new/dataset/", {**opened(client, "/new/dataset/"), **ABOUT, "action": "more"})
    )
    given = {**page, "gaps.1.field": "access", "gaps.1.state": "odd", "file": rows(ROW)}
    assert "gaps_1_state" in errors(client.post("/new/dataset/", given)), (
        "the complaint stands where it was typed"
    )


def test_markdown_is_cut_at_its_headings(client_of):
    document = (
        "# House rules\n\n## Do no harm {#no-harm}\n\nRefuse what hurts.\n\n## Help\n\nHelp with the rest.\n"
    )
    client = client_of("polly")
    response = send(
        client, "constitution", slug="house", content=document, written="markdown", beside="licence: CC0-1.0"
    )
    assert response.status_code == 302, errors(response)
    content = Version.objects.get().content
    assert [one["id"] for one in content["principles"]] == ["no-harm", "help"]
    assert content["licence"] == "CC0-1.0"
    assert "help" in client.get(response["Location"]).content.decode()


def test_faults_inside_a_document_are_named_with_their_place(client_of):
    response = send(
        client_of("polly"),
        "constitution",
        slug="house",
        content="title: X\nprinciples:\n- {id: 1, text: a}\n",
    )
    assert response.status_code == 422
    assert "principles.0.id" in errors(response)["content"]
    assert nothing_is_there()


def test_the_form_begins_with_an_earlier_version(client_of):
    client = client_of("polly")
    actions.register("constitution", "house", CONSTITUTION, actor=POLLY)
    page = opened(client, "/new/constitution/?from=constitution:house@1")
    assert page["slug"] == "house"
    changed = page["content"].replace("everything else", "the rest")
    assert changed != page["content"]
    response = client.post("/new/constitution/", {**page, "content": changed})
    assert response["Location"] == "/versions/constitution:house@2/"
    for address in ("?from=constitution:nobody", "?from=%00", "?from=dataset:x@1"):
        assert client.get(f"/new/constitution/{address}").status_code == 404


BAD_DOCUMENTS = {
    "empty": "",
    "no mapping": "- a list",
    "no YAML": "a: b: c",
    "bomb": "a: &a [x, x]\nb: &b [*a, *a]\ntitle: *b\n",
    "code": "!!python/object/apply:os.system [id]",
    "deep": "[" * 2000,
    "odd date": "title: 2001-02-31",
    "key": "? [a]\n: b",
    "NUL": "title: a\0b\nprinciples: []",
    "surrogate": 'title: "\\ud800"\nprinciples: []',
    "script": "title: <script>alert(1)</script>\n",
    "unknown field": HOUSE + "colour: red\n",
    "twice": HOUSE.replace("id: help", "id: no-harm"),
}


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
def test_bad_text_is_a_refusal_on_the_page(client_of, name):
    response = send(client_of("polly"), "constitution", slug="house", content=BAD_DOCUMENTS[name])
    assert response.status_code == 422
    assert errors(response)
    assert "<script>alert" not in response.content.decode()
    assert nothing_is_there()


BAD_ROWS = {
    "not JSON": b"{\n",
    "not UTF-8": b'{"prompt": "\xff"}\n',
    "no columns": b'{"other": 1}\n',
    "empty lines": b"\n\n",
    "an image": b"\x89PNG\r\n\x1a\n",
    "NUL": b"\0\0\0\0",
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_file_is_a_refusal_on_the_page(client_of, name):
    response = send(client_of("ada"), "dataset", text("chats.jsonl", BAD_ROWS[name]), **ABOUT)
    assert response.status_code == 422
    assert errors(response)["form"]
    assert nothing_is_there()


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.jsonl",
        "/etc/x.jsonl",
        "a\\\\b.jsonl",
        "..",
        ".",
        "",
        "x.jsonl\0.md",
        "%2e%2e%2fx.jsonl",
    ],
)
def test_file_names_lead_nowhere(client_of, name):
    client = client_of("ada")
    response = client.post(
        "/new/dataset/",
        body({**opened(client, "/new/dataset/"), **ABOUT}, name),
        content_type="multipart/form-data; boundary=cut",
    )
    assert response.status_code in (302, 400, 422)
    assert all(
        "/" not in one["path"] for version in Version.objects.all() for one in version.content["files"]
    )


def body(fields: dict[str, Any], name: str) -> bytes:
    """A form as no browser sends it: with a file of any name."""
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    head = f'--cut\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/plain\r\n\r\n'
    return ("".join(parts) + head + json.dumps(ROW) + "\r\n--cut--\r\n").encode()


def test_two_files_of_one_name_are_not_one(client_of, tmp_path):
    files = [text("config.json", "{}"), text("config.json", "{}")]
    response = send(client_of("ada"), "model", *files, slug="base", description="x", origin="imported")
    assert "Two files are named config.json." in errors(response)["form"]


def test_names_that_look_alike_are_refused(client_of):
    for slug in ("hоuse", "house\n", "HOUSE", "-house", "a" * 81, "ｈouse"):
        response = send(client_of("polly"), "constitution", slug=slug, content=HOUSE)
        allowed = slug.strip() == "house"
        assert response.status_code == (302 if allowed else 422), slug
        assert allowed or errors(response)["slug"]


def test_more_than_the_limit_is_one_clear_page(client_of, settings):
    client = client_of("ada")
    given = {**opened(client, "/new/dataset/"), **ABOUT, "file": rows(*[ROW] * 50)}
    settings.CHARTER_UPLOAD_BYTES = 2048
    response = client.post("/new/dataset/", given)
    assert response.status_code == 413
    assert "larger than 2 KiB" in response.content.decode()
    assert nothing_is_there()


def test_more_text_than_a_form_takes_is_the_same_page(client_of, settings):
    client = client_of("polly")
    given = {**opened(client, "/new/constitution/"), "slug": "house", "content": "x" * 3000}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    assert client.post("/new/constitution/", given).status_code == 413


def test_a_full_disk_and_a_busy_database_say_so_and_keep_nothing(client_of, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def busy(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    client = client_of("ada")
    with monkeypatch.context() as patched:
        patched.setattr(blobs, "put", full)
        response = send(client, "dataset", rows(ROW), **ABOUT)
        assert (response.status_code, "disk" in errors(response)["form"]) == (507, True)
    with monkeypatch.context() as patched:
        patched.setattr(actions, "register", busy)
        response = send(client, "dataset", rows(ROW), **ABOUT)
        assert (response.status_code, "busy" in errors(response)["form"]) == (503, True)
    assert nothing_is_there()
    again = client.post("/new/dataset/", {**sendable(response), "file": rows(ROW)})
    assert again.status_code == 302, "the same form goes through once the trouble is over"


class TestWhoMay:
    def test_everybody_sees_what_they_may_register_and_who_else_may_what(self, client_of):
        text = client_of("ada").get("/new/").content.decode()
        assert 'href="/new/dataset/"' in text
        assert 'href="/new/constitution/"' not in text
        assert "policy-editor" in text
        assert "You register nothing here" in client_of("otto").get("/new/").content.decode()
        assert 'href="/releases/new/"' in client_of("mara").get("/new/").content.decode()

    def test_the_form_is_for_those_who_write_the_kind(self, client_of):
        for name in ("otto", "axel", "ravi", "root", "polly"):
            client = client_of(name)
            for response in (
                client.get("/new/dataset/"),
                client.post("/new/dataset/", {**ABOUT, "file": rows(ROW)}),
            ):
                assert response.status_code == 403, name
                assert "This needs the group" in response.content.decode()
        assert nothing_is_there()

    def test_every_kind_has_a_form_for_one_of_the_cast(self, client_of):
        clients = [client_of(name) for name in ("ada", "polly", "mara")]
        for kind in set(kinds.KINDS) - {"release"}:
            assert 200 in {client.get(f"/new/{kind}/").status_code for client in clients}, kind

    def test_no_form_for_releases_and_unknown_kinds(self, client_of):
        client = client_of("mara")
        assert client.get("/new/release/").status_code == 404
        assert "Did you mean dataset" in client.get("/new/datasets/").content.decode()

    def test_without_the_token_against_forgery_nothing_happens(self, client_of):
        client = client_of("ada", enforce_csrf_checks=True)
        response = client.post("/new/dataset/", {**ABOUT, "file": rows(ROW)})
        assert response.status_code == 403
        assert nothing_is_there()

    def test_strangers_sign_in_first(self, db, client):
        assert client.get("/new/")["Location"].startswith("/accounts/login/")
        assert client.post("/new/dataset/", {**ABOUT, "file": rows(ROW)})["Location"].startswith(
            "/accounts/login/"
        )
