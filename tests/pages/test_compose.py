"""Compose a release in the browser: parts by name, what stands in the way said first, the identity shown."""

from typing import Any

import pytest
from django.test import Client

from governance.ledger.models import Entry
from governance.registry import actions, lookup
from governance.registry.models import Version
from governance.releases.components import identity_of
from governance.releases.identity import behavioural_identity
from tests.builders import ADA, POLLY
from tests.pages.forms import errors, opened, sendable
from tests.releases import world as releases

PARTS = {
    "slug": "assistant", "title": "Assistant", "model": "model:tuned", "baseline": "base", "constitution": "constitution:house@1",
    "system_prompt": "plain", "deployment": "local", "policy": "default", "intended_uses": "Sums.", "out_of_scope": "Advice.",
}  # fmt: skip


@pytest.fixture
def sit(committed_db, tmp_path) -> Any:
    """Clients of the cast, in an installation with approved parts."""
    cast = releases.build(tmp_path).cast

    def client(name: str, **kwargs: bool) -> Client:
        made = Client(**kwargs)
        made.force_login(cast.users[name])
        return made

    return client


def send(client: Client, action: str, **typed: Any) -> Any:
    return client.post(
        "/releases/new/", {**opened(client, "/releases/new/"), **PARTS, "action": action, **typed}
    )


def test_parts_are_suggested_and_the_model_may_come_from_its_page(sit):
    mara = sit("mara")
    assert "/releases/new/?model=model%3Atuned%401" in mara.get("/versions/model:tuned@1/").content.decode()
    response = mara.get("/releases/new/?model=model:tuned@1")
    assert sendable(response)["model"] == "model:tuned@1"
    assert '<option value="deployment:local@1">' in response.content.decode()


def test_a_check_shows_identity_and_obstacles_and_records_nothing(sit):
    mara, newest = sit("mara"), Entry.objects.latest("id").pk
    told = send(mara, "check")
    assert (told.status_code, errors(told)) == (200, {})
    text = told.content.decode()
    assert "Every part is approved." in text
    assert Entry.objects.latest("id").pk == newest
    answer = mara.post("/releases/new/", {**sendable(told), "action": "compose"})
    release = lookup.find("release:assistant@1")
    assert answer["Location"] == f"/releases/{release.subject}/"
    assert behavioural_identity(identity_of(release)) in text
    shown = mara.get(answer["Location"]).content.decode()
    assert behavioural_identity(identity_of(release)) in shown
    assert "Run the gate" in shown
    assert f"/cards/{release.subject}/bundle/" in shown


def test_without_a_policy_the_use_tier_chooses_it(sit):
    told = send(sit("mara"), "check", policy="")
    assert (told.status_code, errors(told)) == (200, {})
    assert "release-policy:default@1" in told.content.decode()
    send(sit("mara"), "compose", policy="")
    assert lookup.find("release:assistant@1").content["policy"]["subject"] == "release-policy:default@1"


def test_parts_that_nobody_approved_are_said_before_and_do_not_stop_it(sit):
    actions.register("system-prompt", "rude", {"text": "You are rude."}, actor=POLLY)
    mara = sit("mara")
    told = send(mara, "check", system_prompt="system-prompt:rude")
    assert "Its system prompt system-prompt:rude@1 is sealed, not approved." in told.content.decode()
    assert send(mara, "compose", system_prompt="system-prompt:rude").status_code == 302


def test_the_same_parts_again_make_no_second_version(sit):
    mara = sit("mara")
    send(mara, "compose")
    assert "has exactly these parts already" in send(mara, "check").content.decode()
    answer = send(mara, "compose")
    assert answer["Location"] == "/releases/release:assistant@1/"
    assert Version.objects.filter(artifact__kind="release").count() == 1


def test_sent_twice_it_is_composed_once(sit):
    mara = sit("mara")
    given = {**opened(mara, "/releases/new/"), **PARTS, "action": "compose"}
    first = mara.post("/releases/new/", given)
    second = mara.post("/releases/new/", {**given, "notes": "Changed."})
    assert first["Location"] == second["Location"]
    assert Version.objects.filter(artifact__kind="release").count() == 1


@pytest.mark.parametrize(
    ("typed", "place", "rule"),
    [
        ({"slug": "Not a name"}, "slug", "lower-case"),
        ({"model": ""}, "model", "needed"),
        ({"model": "model:tund"}, "model", "Did you mean model:tuned"),
        ({"model": "dataset:chats"}, "model", "is a dataset"),
        ({"deployment": "<script>alert(1)</script>"}, "deployment", "names no artifact"),
        ({"policy": "constitution:house"}, "policy", "this part is a release-policy"),
        ({"policies": "policy:none\npolicy:neither"}, "policies", "There is no"),
        ({"use_tier": "extreme"}, "use_tier", "medium"),
        ({"notes": "x" * 10_001}, "notes", "10000 characters"),
        ({"intended_uses": "a\0b"}, "intended_uses", "NUL"),
        ({"title": "x" * 201}, "title", "200"),
    ],
)
def test_a_complaint_stands_at_its_field(sit, typed, place, rule):
    told = send(sit("mara"), "compose", **typed)
    assert told.status_code == 422
    assert rule in errors(told)[place], errors(told)
    assert "<script>alert" not in told.content.decode()
    assert not Version.objects.filter(artifact__kind="release").exists()


def test_a_revoked_part_is_refused(sit):
    actions.revoke(lookup.find("deployment:local"), reason="Wrong.", actor=ADA)
    assert "revoked" in errors(send(sit("mara"), "check"))["deployment"]


def test_a_restricted_part_shows_no_identity_to_strangers_to_it(sit):
    actions.register(
        "deployment",
        "secret",
        {"engine": "e", "engine_version": "1", "context_length": 1, "decoding": {}},
        restricted=True,
        actor=ADA,
    )
    mara = sit("mara")
    told = send(mara, "check", deployment="deployment:secret")
    assert "the release page shows what may be shown" in told.content.decode()
    assert "deployment:secret" not in mara.get("/releases/new/").content.decode()


def test_others_are_told_who_may(sit):
    for name in ("otto", "axel", "ravi", "ada", "polly", "root"):
        client = sit(name)
        for response in (client.get("/releases/new/"), client.post("/releases/new/", PARTS)):
            assert response.status_code == 403, name
            assert "This needs the group release-manager" in response.content.decode()
        assert (
            "Composed by the group release-manager" in client.get("/artifacts/?kind=release").content.decode()
        )
    assert "Compose a release" in sit("mara").get("/artifacts/?kind=release").content.decode()
    assert not Version.objects.filter(artifact__kind="release").exists()


def test_forgery_and_strangers_compose_nothing(sit, client):
    assert sit("mara", enforce_csrf_checks=True).post("/releases/new/", PARTS).status_code == 403
    assert client.post("/releases/new/", PARTS)["Location"].startswith("/accounts/login/")
    assert not Version.objects.filter(artifact__kind="release").exists()
