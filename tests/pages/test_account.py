"""One's account: what one may do, and tokens that are shown once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.ledger.models import Entry
from governance.people.models import Token, User
from tests.pages.forms import errors, opened, sendable

SECRET = re.compile(r"charter_[A-Za-z0-9_-]{20,}")


def make(client: Client, **typed: Any) -> Any:
    given = {**opened(client, "/account/"), "label": "pipeline", "scope": ["training:run:launch"], **typed}
    return client.post("/account/tokens/", given)


def test_it_says_who_one_is_and_what_the_groups_allow(client_of):
    text = client_of("ada").get("/account/").content.decode()
    assert "registers data and models, launches runs and evaluations" in text
    assert "training:run:launch" in text
    assert "reviews:version:review" not in text
    assert "You are in no group" in client_of("otto").get("/account/").content.decode()


def test_a_token_is_limited_to_the_artifacts_that_are_named(client_of):
    client = client_of("ada")
    made = make(client, artifacts="model:tuned\r\ndataset:*\r\n")
    assert made.status_code == 200
    assert Token.objects.get().artifacts == ["dataset:*", "model:tuned"]
    assert "<code>model:tuned</code>" in client.get("/account/").content.decode()


def test_every_page_leads_to_it(client_of):
    assert 'href="/account/"' in client_of("otto").get("/").content.decode()


def test_a_token_is_shown_once_and_works(client_of):
    client = client_of("ada")
    made = make(client, days="7")
    assert made.status_code == 200
    assert "no-store" in made["Cache-Control"]
    secret = SECRET.search(made.content.decode())[0]
    token = Token.objects.get()
    assert (token.label, token.scopes) == ("pipeline", ["training:run:launch"])
    assert timedelta(days=6) < token.expires_at - timezone.now() <= timedelta(days=7)
    assert Entry.objects.latest("id").op == "people:token:created"
    assert not SECRET.search(client.get("/account/").content.decode())
    me = Client().get("/api/v1/me/", headers={"authorization": f"Bearer {secret}"}).json()
    assert (me["handle"], me["may"]) == ("ada", ["training:run:launch"])


def test_sent_again_it_makes_no_second_token_and_shows_no_secret(client_of):
    client = client_of("ada")
    given = {**opened(client, "/account/"), "label": "pipeline"}
    assert SECRET.search(client.post("/account/tokens/", given).content.decode())
    again = client.post("/account/tokens/", given, follow=True)
    assert not SECRET.search(again.content.decode())
    assert "nothing was done twice" in again.content.decode()
    assert Token.objects.count() == 1


def test_revoked_it_is_refused(client_of):
    client = client_of("ada")
    secret = SECRET.search(make(client).content.decode())[0]
    token = Token.objects.get()
    answer = client.post(f"/account/tokens/{token.pk}/revoke/", follow=True)
    assert "is revoked" in answer.content.decode()
    assert Client().get("/api/v1/me/", headers={"authorization": f"Bearer {secret}"}).status_code == 401
    last = list(Entry.objects.order_by("-id").values_list("op", flat=True)[:2])
    assert last == ["people:token:refused", "people:token:revoked"]
    newest = Entry.objects.latest("id")
    client.post(f"/account/tokens/{token.pk}/revoke/")
    assert Entry.objects.latest("id") == newest, "revoking again changes nothing"


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 81}, "label"),
        ({"label": "a\0b"}, "label"),
        ({"days": "9999"}, "days"),
        ({"days": "-1"}, "days"),
        ({"scope": ["reviews:version:review"]}, "form"),
        ({"scope": ["<script>"]}, "form"),
        ({"artifacts": "house"}, "artifacts"),
        ({"artifacts": "model:ok\r\ndragon:*"}, "artifacts"),
        ({"once": "x"}, "form"),
    ],
)
def test_a_complaint_stands_at_its_field(client_of, typed, place):
    told = make(client_of("ada"), **typed)
    assert told.status_code == 422
    assert errors(told)[place]
    assert "<script>" not in errors(told)[place]
    assert not Token.objects.exists()


def test_a_refused_form_keeps_what_was_chosen(client_of):
    told = make(client_of("ada"), label="x" * 81, days="30")
    assert sendable(told)["scope"] == "training:run:launch"
    assert sendable(told)["days"] == "30"


def test_nobody_revokes_or_sees_anothers_token(client_of):
    make(client_of("ada"), label="nightly job")
    token = Token.objects.get()
    for name in ("otto", "root"):
        client = client_of(name)
        assert client.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
        assert "nightly job" not in client.get("/account/").content.decode()
    token.refresh_from_db()
    assert not token.revoked


def test_anybody_with_an_account_has_tokens_and_an_auditors_only_reads(client_of):
    client = client_of("axel")
    assert "scope" not in opened(client, "/account/")
    assert make(client, scope=[]).status_code == 200
    assert Token.objects.get().scopes == []


def test_doors_are_for_people_who_signed_in_and_hold_an_account(client_of, client):
    assert client.get("/account/")["Location"].startswith("/accounts/login/")
    assert client.post("/account/tokens/")["Location"].startswith("/accounts/login/")
    assert (
        client_of("ada", enforce_csrf_checks=True).post("/account/tokens/", {"label": "x"}).status_code == 403
    )
    assert client_of("ada").get("/account/tokens/").status_code == 405
    client.force_login(User.objects.create_user("ghost"))
    assert client.get("/account/").status_code == 403
    assert not Token.objects.exists()


def test_many_tokens_are_paged(client_of):
    client = client_of("ada")
    for number in range(21):
        make(client, label=f"token {number}")
    assert "1 to 20 of 21 tokens" in client.get("/account/").content.decode()
    assert "21 to 21 of 21 tokens" in client.get("/account/?page=2").content.decode()
