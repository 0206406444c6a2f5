"""Which release or model is it? By hash, parts or the files of a folder; bounded, and never of what may not be read."""

import json

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.ledger.models import Entry
from governance.registry import actions, lookup, weights
from governance.releases.components import identity_of
from governance.releases.identity import behavioural_identity
from tests.builders import ADA, POLLY, approved, write_model
from tests.releases.answering import out
from tests.releases.world import World, released

ADDRESS = "/api/v1/identity/verify/"


def asked(client: Client, body: object, **headers: str):
    return client.post(ADDRESS, json.dumps(body), content_type="application/json", headers=headers)


def subjects(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [one["subject"] for one in response.json()["match"]]


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    client.force_login(world.cast.ada)
    return client


def test_by_hash_and_by_parts(world, ada):
    version = released(world)
    parts = identity_of(version)
    before = Entry.objects.count()
    assert subjects(asked(ada, {"identity": behavioural_identity(parts)})) == ["release:assistant@1"]
    assert subjects(asked(ada, {"parts": parts})) == ["release:assistant@1"]
    other = {**parts, "system_prompt": "0" * 64, "decoding": {**parts["decoding"], "temperature": 0.7}}
    del other["engine"]
    told = asked(ada, {"parts": other}).json()
    assert told["match"] == []
    near = told["nearest"]
    assert (near["subject"], near["missing"], near["surplus"]) == ("release:assistant@1", ["engine"], [])
    assert {one["name"] for one in near["differs"]} == {"system_prompt", "decoding"}
    assert subjects(asked(ada, {"identity": "0" * 64})) == []
    assert asked(ada, {"identity": "0" * 64}).json()["compared"] == 1
    assert subjects(asked(ada, {"parts": {"weights_digest": parts["weights_digest"]}})) == ["model:tuned@1"]
    with CaptureQueriesContext(connection) as few:
        asked(ada, {"parts": other})
    for number in range(3):
        released(world, f"more-{number}", notes=str(number))
    with CaptureQueriesContext(connection) as many:
        assert asked(ada, {"parts": other}).json()["compared"] == 4
    assert len(many) == len(few)
    assert Entry.objects.count() == before + 6


def test_by_the_files_of_a_folder(world, ada, tmp_path, capsys):
    tensors = {"a": [2.0, 3.0], "b": [4.0, 5.0, 6.0, 7.0]}
    folder = write_model(tmp_path / "found", tensors)
    files = weights.manifest(folder)
    assert subjects(asked(ada, {"manifest": files})) == ["model:tuned@1"]
    changed = [one for one in files if one["path"] != "tokenizer.json"]
    changed = [{**one, "sha256": "0" * 64} if one["path"] == "config.json" else one for one in changed]
    near = asked(ada, {"manifest": [*changed, {"path": "extra.txt", "sha256": "1" * 64, "size": 1}]}).json()[
        "nearest"
    ]
    # Both models have the other files; the weights are those of one.
    assert near["subject"] == "model:tuned@1"
    assert ([one["name"] for one in near["differs"]], near["missing"], near["surplus"]) == (
        ["config.json"], ["tokenizer.json"], ["extra.txt"],
    )  # fmt: skip
    call_command("identity", "--verify", str(folder), "--as", "ada")
    assert "By its files: model:tuned@1" in capsys.readouterr().out
    # Re-sharded: other files, the same tensors.
    (folder / "model.safetensors").unlink()
    for name in tensors:
        shard = write_model(tmp_path / f"shard-{name}", {name: tensors[name]})
        (shard / "model.safetensors").rename(folder / f"model-{name}.safetensors")
    call_command("identity", "--verify", str(folder), "--json", "--as", "ada")
    told = json.loads(capsys.readouterr().out)
    assert told["files"]["match"] == []
    assert [one["subject"] for one in told["tensors"]["match"]] == ["model:tuned@1"]
    with pytest.raises(SystemExit):
        call_command("identity", "--verify", str(tmp_path / "nowhere"), "--as", "ada")


def test_what_is_malformed_is_named(world, ada):
    one = {"path": "a", "sha256": "0" * 64, "size": 1}
    for body, field in (
        ({}, "identity"), ([], "identity"), ({"identity": "0" * 64, "parts": {}}, "identity"), ({"colour": 1}, "colour"),
        ({"identity": "xyz"}, "identity"), ({"identity": 7}, "identity"), ({"identity": None}, "identity"),
        ({"parts": []}, "parts"), ({"parts": {}}, "parts"), ({"parts": {"colour": "red"}}, "parts.colour"),
        ({"parts": {"memory": "x" * 300_000}}, "parts"),
        ({"manifest": {}}, "manifest"), ({"manifest": []}, "manifest"), ({"manifest": [one, one]}, "manifest"),
        ({"manifest": [one, 7]}, "manifest.1"), ({"manifest": [{**one, "sha256": "0"}]}, "manifest.0.sha256"),
        ({"manifest": [{**one, "path": 3}]}, "manifest.0.path"), ({"manifest": [{**one, "size": -1}]}, "manifest.0.size"),
    ):  # fmt: skip
        response = asked(ada, body)
        assert response.status_code == 422, (body, response.content)
        assert response.json()["errors"][0]["field"] == field


def test_strangers_are_told_only_where_the_installation_says_so(world, ada, settings, client):
    version = out(world)
    secret = actions.register("system-prompt", "secret", {"text": "Hush."}, restricted=True, actor=POLLY)
    hidden = out(world, "hidden", system_prompt=approved(secret).subject)
    waiting = released(world, "waiting", notes="Not approved.")
    hashes = {one.subject: behavioural_identity(identity_of(one)) for one in (version, hidden)}
    stranger = Client()
    assert asked(stranger, {"identity": hashes[version.subject]}).status_code == 401
    settings.CHARTER_PUBLIC_IDENTITY = True
    found = subjects(asked(stranger, {"identity": hashes[version.subject]}, **{"Idempotency-Key": "one"}))
    assert found == [version.subject]
    assert waiting.subject not in found
    assert subjects(asked(stranger, {"identity": hashes[hidden.subject]})) == []
    assert subjects(asked(ada, {"identity": hashes[hidden.subject]})) == []
    ada.force_login(world.cast.ravi)
    assert subjects(asked(ada, {"identity": hashes[hidden.subject]})) == [hidden.subject]
    near = asked(stranger, {"parts": {**identity_of(version), "memory": "none"}}).json()["nearest"]
    assert near["subject"] == version.subject
    assert near["differs"] == [{"name": "memory", "given": "none"}]
    assert stranger.get("/api/v1/identity/").status_code == 401
    assert lookup.find("model:base").state == "sealed"
    base = {"weights_digest": lookup.find("model:base").content["weights_digest"]}
    assert subjects(asked(stranger, {"parts": base})) == []
    assert subjects(asked(ada, {"parts": base})) == ["model:base@1"]
    assert ADA.handle == "ada"
