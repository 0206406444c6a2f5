"""Nobody gets a right by sending it along, and what a closed account left open opens nothing."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people.actions import create_token, deactivate
from governance.people.models import Account, Token, User
from governance.people.permissions import groups_of
from tests.cast import PASSWORD, gather
from tests.pages.forms import opened

EXTRA = {
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "on",
    "groups": ["administrator"],
    "user_permissions": ["1"],
    "user": "1",
    "account": "root",
    "second_factor": "on",
    "ledger_rev": "7",
}


@pytest.fixture
def cast(db):
    return gather()


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def rights(handle):
    user = User.objects.get(account__handle=handle)
    return (user.is_staff, user.is_superuser, sorted(groups_of(user)), user.account.second_factor)


def test_a_token_of_the_account_page_gives_nothing_that_was_sent_along(cast):
    client = signed_in(cast.otto)
    given = {**opened(client, "/account/"), **EXTRA, "label": "x"}
    assert client.post("/account/tokens/", given).status_code == 200
    assert rights("otto") == (False, False, [], False)
    assert Token.objects.get().account.handle == "otto"
    assert Token.objects.get().scopes == []


@pytest.mark.parametrize("place", ["begin/", "confirm/", "show/", "off/"])
def test_the_second_factors_forms_give_nothing_that_was_sent_along(cast, place):
    signed_in(cast.otto).post(f"/account/second-factor/{place}", {**EXTRA, "code": "000000"})
    assert rights("otto") == (False, False, [], False)


def test_signing_in_gives_nothing_that_was_sent_along(cast):
    assert (
        Client().post("/accounts/login/", {**EXTRA, "username": "otto", "password": PASSWORD}).status_code
        == 302
    )
    assert rights("otto") == (False, False, [], False)


@pytest.mark.parametrize(
    "field", ["is_staff", "is_superuser", "user_permissions", "email", "is_active", "second_factor"]
)
def test_accounts_over_the_api_name_what_they_do_not_take(cast, field):
    root = APIClient()
    root.force_login(cast.root)
    new = {"username": "zoe", "password": "three-plain-words", field: True}
    for place, body in (
        ("", new),
        ("otto/groups/", {"groups": [], field: True}),
        ("otto/deactivate/", {field: True}),
    ):
        told = root.post(f"/api/v1/accounts/{place}", body, format="json")
        assert (told.status_code, told.json()["errors"][0]["field"]) == (400, field)
    assert rights("otto") == (False, False, [], False)
    assert Account.objects.get(handle="otto").active


def test_the_admin_takes_no_more_than_its_form_shows(cast):
    root = signed_in(cast.root)
    data = {**EXTRA, "groups": ["engineer"], "active": "on"}
    place = reverse("admin:people_account_change", args=[cast.otto.account.pk])
    assert root.post(place, data).status_code == 302
    assert rights("otto") == (False, False, ["engineer"], False)
    new = {**data, "username": "zoe", "handle": "zoe", "password": "a-long-enough-secret"}
    assert root.post(reverse("admin:people_account_add"), new).status_code == 302
    assert rights("zoe") == (False, False, ["engineer"], False)
    assert User.objects.get(account__handle="otto") == cast.otto


def test_a_closed_accounts_sessions_and_tokens_open_nothing(cast):
    later = timezone.now() + timedelta(days=1)
    _, secret = create_token(
        cast.root.account,
        label="x",
        scopes=["people:account:manage"],
        expires_at=later,
        actor=cast.actor("root"),
    )
    browser = signed_in(cast.root)
    assert browser.get("/").status_code == 200
    deactivate(cast.root.account, actor=cast.actor("ada"))
    before = Entry.objects.count()
    for place in (
        "/",
        "/account/",
        "/account/second-factor/",
        "/admin/",
        reverse("admin:people_account_changelist"),
    ):
        assert "/login/" in browser.get(place)["Location"], place
    assert browser.post("/account/tokens/", {"label": "x"})["Location"].startswith("/accounts/login/")
    assert browser.get("/api/v1/accounts/").status_code in (401, 403)
    assert Client().login(username="root", password=PASSWORD) is False
    assert Entry.objects.count() == before
    token = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    for place in ("/api/v1/me/", "/api/v1/accounts/"):
        assert token.get(place).status_code == 401
    assert list(Entry.objects.order_by("id")[before:].values_list("op", flat=True)) == [
        "people:token:refused"
    ]
