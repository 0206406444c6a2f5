"""`manage.py token`: made for pipelines, shown once, listed, ended; never for what only people decide."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people.actions import fingerprint
from governance.people.models import Token
from tests.cast import gather

GATE = "releases:gate:run"


@pytest.fixture(autouse=True)
def world(db):
    return gather()


def token(*arguments, who="ada"):
    out = io.StringIO()
    call_command("token", *arguments, "--as", who, stdout=out, stderr=out)
    return out.getvalue()


def test_a_token_is_made_shown_once_and_works():
    secret = token("make", "nightly", "--scopes", GATE, "--days", "7").strip()
    row = Token.objects.get()
    assert (row.digest, row.scopes, row.account.handle) == (fingerprint(secret), [GATE], "ada")
    me = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").get("/api/v1/me/").json()
    assert (me["handle"], me["may"]) == ("ada", [GATE])
    actor = Entry.objects.get(op="people:token:created").actor
    assert actor.startswith("cli:")
    assert actor.endswith(" for person:ada")
    assert secret not in token("list")


def test_a_token_is_limited_to_artifacts():
    token("make", "nightly", "--scopes", GATE, "--artifacts", "release:assistant", "model:*")
    assert Token.objects.get().artifacts == ["model:*", "release:assistant"]
    assert "releases:gate:run on model:*, release:assistant" in token("list")


def test_tokens_are_listed_with_their_state():
    token("make", "nightly", "--scopes", GATE)
    told = json.loads(token("make", "reader", "--json"))
    assert told["secret"].startswith("charter_")
    token("revoke", told["id"][:8])
    rows = {row["label"]: row for row in json.loads(token("list", "--json"))["tokens"]}
    assert (rows["nightly"]["state"], rows["reader"]["state"]) == ("good", "revoked")
    assert "secret" not in rows["nightly"]
    assert "nightly: releases:gate:run" in token("list")
    assert "reader: reads only" in token("list")


def test_a_revoked_token_is_refused_at_the_door():
    told = json.loads(token("make", "x", "--json"))
    assert "is revoked" in token("revoke", told["id"])
    assert token("revoke", told["id"])
    assert Entry.objects.filter(op="people:token:revoked").count() == 1
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {told['secret']}").get("/api/v1/me/").status_code == 401


def test_people_see_their_own_administrators_all():
    told = json.loads(token("make", "x", "--json"))
    assert json.loads(token("list", "--json", who="eno"))["tokens"] == []
    assert refused("revoke", told["id"], who="eno") == 1
    assert len(json.loads(token("list", "--json", who="root"))["tokens"]) == 1
    assert not Token.objects.get().revoked


def refused(*arguments, who="ada"):
    with pytest.raises(SystemExit) as stop:
        token(*arguments, who=who)
    return stop.value.code


@pytest.mark.parametrize(
    ("scope", "who"), [("reviews:version:review", "ravi"), ("people:account:manage", "root")]
)
def test_what_only_people_decide_gets_no_token_from_a_command(scope, who):
    assert refused("make", "x", "--scopes", GATE, scope, who=who) == 1
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("make", "x", "--scopes", "fly:to:moon"),
        ("make", "x", "--artifacts", "house"),
        ("make", "x", "--artifacts", "dragon:*"),
        ("revoke", "abc"),
        ("revoke", "0000-none"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(arguments):
    assert refused(*arguments) == 1


@pytest.mark.parametrize("days", ["0", "367", "-1"])
def test_a_token_lives_a_year_at_most(days):
    with pytest.raises(CommandError, match="1 to 366 days"):
        token("make", "x", "--days", days)
    assert not Token.objects.exists()
