"""Erasures over HTTP: asked for by one administrator, confirmed by another, and what reading says afterwards."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people.actions import create_person, create_token
from governance.registry import erasure
from governance.registry.models import Erasure, Version
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, dataset, model
from tests.cast import Cast, gather

GROUND = {"authority": "GDPR Art. 17, request 2026/14", "reason": "A person withdrew consent."}
LIST = f"{V1}/erasures/"


@pytest.fixture
def cast(committed_db) -> Cast:
    """With a second administrator; commits are real, since a confirmed erasure rewrites the database's file."""
    found = gather()
    found.users["rita"] = create_person("rita", handle="rita", groups=["administrator"], actor=ADA)
    return found


@pytest.fixture
def chats(cast, tmp_path) -> Version:
    return dataset(tmp_path)


@pytest.fixture
def erased(chats, signed_in) -> Version:
    asked = signed_in("root").post(LIST, {"subject": chats.subject, **GROUND}, format="json").json()
    assert signed_in("rita").post(f"{LIST}{asked['id']}/confirm/").status_code == 200
    return chats


def test_one_asks_and_another_confirms(chats, signed_in):
    asked = signed_in("root").post(LIST, {"subject": chats.subject, **GROUND}, format="json")
    assert asked.status_code == 201, asked.content
    told = asked.json()
    assert asked["Location"].endswith(f"/erasures/{told['id']}/")
    assert (told["state"], told["whole_version"], told["asked_by"], told["parts"]) == (
        "asked",
        True,
        "root",
        [],
    )
    plan = signed_in("rita").get(f"{LIST}{told['id']}/plan/").json()
    assert plan["blobs"] == [chats.content["files"][0]["sha256"]]
    mine = problem(signed_in("root").post(f"{LIST}{told['id']}/confirm/"), 409)
    assert "another administrator must confirm it" in mine["detail"]
    done = signed_in("rita").post(f"{LIST}{told['id']}/confirm/").json()
    assert (done["state"], done["confirmed_by"], done["left"]) == ("done", "rita", [])
    assert done["blobs"] == plan["blobs"]
    assert any("Backups" in sentence for sentence in done["remains"])
    assert Version.objects.get(pk=chats.pk).content is None
    assert signed_in("otto").get(f"{LIST}{told['id']}/").json()["state"] == "done"
    assert [row["id"] for row in signed_in("otto").get(f"{LIST}?state=done").json()["results"]] == [
        told["id"]
    ]
    assert signed_in("otto").get(f"{LIST}?state=asked").json()["results"] == []


def test_an_objects_class(cast, signed_in):
    token, _ = create_token(
        cast.ada.account,
        label="of Zebedee",
        scopes=[],
        expires_at=timezone.now() + timedelta(days=1),
        actor=ADA,
    )
    body = {"object_type": "people.token", "object_id": str(token.pk), "classes": ["I"], **GROUND}
    asked = signed_in("root").post(LIST, body, format="json").json()
    done = signed_in("rita").post(f"{LIST}{asked['id']}/confirm/").json()
    assert [part["class"] for part in done["parts"]] == ["I"]
    assert "Zebedee" not in json.dumps(done)
    token.refresh_from_db()
    assert token.label == "erased"
    assert Entry.objects.get(leaf_hash=done["parts"][0]["entry"]).parts == {"I": None}


@pytest.mark.parametrize("place", ["files/", "rows/"])
def test_reading_what_is_gone_answers_410(erased, signed_in, place):
    told = problem(signed_in("ada").get(f"{V1}/versions/dataset/chats/1/{place}"), 410)
    assert "was erased" in told["detail"]


def test_its_content_file_and_diff_answer_410(erased, signed_in, tmp_path):
    ada = signed_in("ada")
    sha256 = Erasure.objects.get().blobs[0]
    dataset(tmp_path, rows=4)
    for address in (
        f"contents/{erased.digest}/",
        f"versions/dataset/chats/1/files/{sha256}/",
        "versions/dataset/chats/2/diff/",
    ):
        assert GROUND["authority"] in problem(ada.get(f"{V1}/{address}"), 410)["detail"]


def test_the_version_says_so_and_its_card_withholds(erased, signed_in):
    told = signed_in("ada").get(f"{V1}/versions/dataset/chats/1/").json()
    assert (told["content"], told["digest"]) == (None, erased.digest)
    assert GROUND["authority"] in told["erased"]
    assert (
        signed_in("ada").get(f"{V1}/versions/find/?subject=dataset:chats").json()["erased"] == told["erased"]
    )


def test_the_same_content_is_refused(erased, signed_in, tmp_path):
    body = {
        "kind": "dataset",
        "slug": "chats",
        "meta": "description: Chats.\nlicence: CC0-1.0\nsource_type: human\nsource: written for tests\n",
        "file": (tmp_path / "chats.jsonl").open("rb"),
    }
    told = problem(signed_in("ada").post(f"{V1}/versions/upload/", body, format="multipart"), 409)
    assert "erased" in told["detail"]


def test_a_training_run_refuses_it(erased, signed_in, tmp_path):
    model(tmp_path)
    spec = {
        "stage": "sft",
        "inputs": {"init_from": ["model:base@1"], "trained_on": ["dataset:chats@1"]},
        "params": {},
        "seed": 1,
        "output": {"slug": "tuned"},
    }
    told = signed_in("ada").post(f"{V1}/runs/", spec, format="json")
    assert 400 <= told.status_code < 500
    assert "was erased" in told.json()["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": "dataset:chats@1", "object_type": "x", "object_id": "y"}, "subject"),
        ({"object_type": "training.run"}, "subject"),
        ({}, "subject"),
        ({"subject": "dataset:chats@1", "classes": ["Q"]}, "classes.0"),
        ({"subject": "dataset:chats@1", "authority": ""}, "authority"),
    ],
)
def test_bad_requests_name_the_field(chats, signed_in, change, field):
    told = problem(signed_in("root").post(LIST, {**GROUND, **change}, format="json"), 400)
    assert field in fields(told)
    assert not Erasure.objects.exists()


def test_unknown_targets_are_not_found(cast, signed_in):
    for body in ({"subject": "dataset:none@1"}, {"object_type": "people.token", "object_id": "7"}):
        problem(signed_in("root").post(LIST, {**body, **GROUND}, format="json"), 404)
    problem(signed_in("root").get(f"{LIST}00000000-0000-4000-8000-000000000000/"), 404)


@pytest.mark.parametrize("name", ["ada", "polly", "ravi", "mara", "axel", "otto"])
def test_only_administrators_ask_and_confirm(chats, signed_in, name):
    problem(signed_in(name).post(LIST, {"subject": chats.subject, **GROUND}, format="json"), 403)
    asked = erasure.ask(chats, whole=True, **GROUND, actor=ADA)
    problem(signed_in(name).post(f"{LIST}{asked.pk}/confirm/"), 403)
    problem(signed_in(name).get(f"{LIST}{asked.pk}/plan/"), 403)
    assert Erasure.objects.get().state == "asked"


def test_a_token_needs_the_scope(chats, with_token):
    body = {"subject": chats.subject, **GROUND}
    problem(with_token("root").post(LIST, body, format="json"), 403)
    assert with_token("root", erasure.ACTION).post(LIST, body, format="json").status_code == 201


def test_strangers_see_nothing(cast):
    problem(APIClient().get(LIST), 401)
