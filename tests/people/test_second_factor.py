"""Second factors: set up, asked for before decisions, shown once, lost, taken away; and what the ledger knows of them."""

import re
from datetime import timedelta
from html import unescape

import pyotp
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people import second_factor
from governance.people.actions import create_token, deactivate, set_groups
from governance.people.models import Account, FactorSecret
from governance.people.permissions import decisions
from governance.registry import lookup
from governance.reviews import actions as reviews
from tests.builders import POLLY, constitution
from tests.cast import PASSWORD, gather

PLACE = "/account/second-factor/"
REVIEW = "reviews:version:review"


@pytest.fixture
def cast(db, settings):
    settings.CHARTER_TOTP_REQUIRED_FOR = ["reviewer", "administrator"]
    settings.CHARTER_LOCKOUT = "3/15m"
    with time_machine.travel("2026-03-01T12:00:05Z", tick=False):
        yield gather()


@pytest.fixture
def client_for(cast):
    def signed_in(name):
        client = Client()
        client.force_login(cast.users[name])
        return client

    return signed_in


def later(seconds=30):
    """The next code's time."""
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=False)


def code_of(secret):
    return pyotp.TOTP(secret).at(timezone.now())


def enrolled(client):
    """(secret, recovery codes, the page that shows them)."""
    page = client.post(f"{PLACE}begin/").content.decode()
    secret = re.search(r"\b[A-Z2-7]{32}\b", page)[0]
    done = client.post(f"{PLACE}confirm/", {"code": code_of(secret)}).content.decode()
    return secret, re.findall(r"[0-9a-f]{5}(?:-[0-9a-f]{5}){3}", done), done


def waiting():
    version = constitution()
    reviews.submit(version, actor=POLLY)
    return lookup.find(version.subject)


def decided(client, version, verdict="approve"):
    data = {"verdict": verdict, "digest": version.digest, "reason": "Read it."}
    return client.post(reverse("version-decide", args=[version.subject]), data)


def test_an_approver_reads_without_it_and_decides_with_it(client_for):
    version, client = waiting(), client_for("ravi")
    page = client.get(reverse("version", args=[version.subject]))
    assert page.status_code == 200
    refused = decided(client, version)
    assert refused.status_code == 403
    assert f"Show it at {PLACE}" in refused.content.decode()
    assert lookup.find(version.subject).state == "in_review"
    _secret, codes, _ = enrolled(client)
    assert len(set(codes)) == 10
    assert decided(client, version).status_code == 302
    assert lookup.find(version.subject).state == "approved"


def test_another_session_shows_it_again(client_for):
    version, first = waiting(), client_for("ravi")
    secret, _, _ = enrolled(first)
    second = client_for("ravi")
    assert decided(second, version).status_code == 403
    with later():
        assert second.post(f"{PLACE}show/", {"code": code_of(secret)}).status_code == 302
        assert decided(second, version).status_code == 302


def test_a_code_is_taken_once(client_for):
    secret, _, _ = enrolled(client_for("ravi"))
    other = client_for("ravi")
    told = other.post(f"{PLACE}show/", {"code": code_of(secret)})
    assert told.status_code == 422, "the code that confirmed it is spent"
    assert "wrong or was used before" in told.content.decode()
    with later():
        code = code_of(secret)
        assert other.post(f"{PLACE}show/", {"code": f"{code[:3]} {code[3:]}"}).status_code == 302
        assert client_for("ravi").post(f"{PLACE}show/", {"code": code}).status_code == 422


def test_a_clock_may_be_off_by_one_step_and_no_more(client_for):
    secret, _, _ = enrolled(client_for("ravi"))
    with later(600):
        for off, status in ((-60, 422), (60, 422), (-30, 302)):
            code = pyotp.TOTP(secret).at(timezone.now() + timedelta(seconds=off))
            assert client_for("ravi").post(f"{PLACE}show/", {"code": code}).status_code == status, off


def test_a_recovery_code_works_once(client_for):
    version, (_, codes, _) = waiting(), enrolled(client_for("ravi"))
    client = client_for("ravi")
    assert client.post(f"{PLACE}show/", {"code": codes[0].upper()}).status_code == 302
    assert decided(client, version).status_code == 302
    assert client_for("ravi").post(f"{PLACE}show/", {"code": codes[0]}).status_code == 422
    assert len(FactorSecret.objects.get().recovery) == 9


def test_secrets_are_shown_once_stored_sealed_and_in_no_entry_and_no_log(client_for, caplog):
    client = client_for("ravi")
    secret, codes, page = enrolled(client)
    row, entries = (
        str(FactorSecret.objects.values_list().get()),
        str(list(Entry.objects.values_list("body", "parts"))),
    )
    for hidden in (secret, *codes):
        assert hidden not in row
        assert hidden not in entries
        assert hidden not in caplog.text
        assert hidden not in client.get(PLACE).content.decode()
    assert secret not in page
    assert "no-store" in client.post(f"{PLACE}begin/")["Cache-Control"]


def test_the_picture_holds_what_an_app_reads_and_the_page_keeps_the_policy(client_for):
    page = client_for("ravi").post(f"{PLACE}begin/")
    assert 'src="data:image/svg+xml' in unescape(page.content.decode())
    assert "style=" not in page.content.decode()
    assert "data:" in page["Content-Security-Policy"]
    row = FactorSecret.objects.get()
    assert not row.confirmed


def test_an_unconfirmed_secret_counts_for_nothing(client_for, cast):
    client = client_for("ravi")
    client.post(f"{PLACE}begin/")
    assert client.post(f"{PLACE}show/", {"code": "000000"}).status_code == 422
    assert client.post(f"{PLACE}off/", {"code": "000000"}).status_code == 422
    assert not Account.objects.get(handle="ravi").second_factor


def test_three_wrong_codes_shut_the_door_and_say_for_how_long(client_for):
    secret, codes, _ = enrolled(client_for("ravi"))
    for _ in range(3):
        assert client_for("ravi").post(f"{PLACE}show/", {"code": "000000"}).status_code == 422
    with later():
        for code in (code_of(secret), codes[0]):
            told = client_for("ravi").post(f"{PLACE}show/", {"code": code})
            assert (told.status_code, int(told["Retry-After"]) > 0) == (429, True)
    with later(16 * 60):
        assert client_for("ravi").post(f"{PLACE}show/", {"code": code_of(secret)}).status_code == 302


def test_turning_it_off_needs_a_code_and_is_an_entry(client_for):
    client = client_for("ravi")
    secret, _, _ = enrolled(client)
    assert client.post(f"{PLACE}off/", {"code": "123"}).status_code == 422
    with later():
        assert client.post(f"{PLACE}off/", {"code": code_of(secret)}).status_code == 302
    assert not FactorSecret.objects.exists()
    ops = list(
        Entry.objects.filter(op__startswith="people:second-factor").order_by("id").values_list("op", "actor")
    )
    assert ops == [
        ("people:second-factor:enrolled", "person:ravi"),
        ("people:second-factor:off", "person:ravi"),
    ]
    assert decided(client, waiting()).status_code == 403, "what was shown before counts no more"


def test_a_second_one_is_not_made_beside_the_first(client_for):
    client = client_for("ravi")
    enrolled(client)
    before = FactorSecret.objects.get().sealed
    assert client.post(f"{PLACE}begin/").status_code == 409
    assert client.post(f"{PLACE}confirm/", {"code": "123456"}).status_code == 409
    assert FactorSecret.objects.get().sealed == before


@pytest.mark.parametrize("door", ["api", "admin"])
def test_an_administrator_takes_a_lost_one_away_with_their_own_shown(client_for, cast, door):
    ravi, root = client_for("ravi"), client_for("root")
    enrolled(ravi)

    def reset():
        if door == "api":
            return root.post(
                "/api/v1/accounts/ravi/reset-second-factor/", {}, content_type="application/json"
            )
        place = reverse("admin:people_account_change", args=[cast.ravi.account.pk])
        return root.post(place, {"groups": ["reviewer"], "active": "on", "reset_factor": "on"})

    assert reset().status_code == 403
    enrolled(root)
    assert reset().status_code in (200, 302)
    entry = Entry.objects.get(op="people:second-factor:reset")
    assert (entry.actor, entry.object_id) == ("person:root", str(cast.ravi.account.pk))
    assert not FactorSecret.objects.filter(account__handle="ravi").exists()
    version = waiting()
    assert decided(ravi, version).status_code == 403, "a session that showed the lost one does not count"


def test_nobody_resets_their_own_and_none_without_one(client_for, cast):
    root = client_for("root")
    enrolled(root)
    for handle in ("root", "ravi"):
        place = f"/api/v1/accounts/{handle}/reset-second-factor/"
        assert root.post(place, {}, content_type="application/json").status_code == 422
    with pytest.raises(ValidationError, match="ask another"):
        second_factor.reset(cast.root.account, actor=cast.actor("root"))


def test_granting_waits_for_it_at_every_door_and_reading_does_not(client_for, cast):
    root, change = client_for("root"), reverse("admin:people_account_change", args=[cast.otto.account.pk])
    assert root.get("/api/v1/accounts/").status_code == 200
    assert root.get(change).status_code == 200
    body = {"groups": ["reviewer"]}
    assert (
        root.post("/api/v1/accounts/otto/groups/", body, content_type="application/json").status_code == 403
    )
    assert root.post(change, {**body, "active": "on"}).status_code == 403
    new = {"username": "zoe", "handle": "zoe", "password": "a-long-enough-secret"}
    assert root.post(reverse("admin:people_account_add"), new).status_code == 403
    assert Account.objects.get(handle="otto").groups == []
    enrolled(root)
    assert (
        root.post("/api/v1/accounts/otto/groups/", body, content_type="application/json").status_code == 200
    )


def test_a_token_of_an_approver_decides_nothing(cast, client_for):
    version = waiting()
    enrolled(client_for("ravi"))
    expiry = timezone.now() + timedelta(days=1)
    for name in ("ravi", "rosa"):
        account = Account.objects.get(handle=name)
        _, secret = create_token(
            account, label="x", scopes=[REVIEW], expires_at=expiry, actor=cast.actor(name)
        )
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
        place = f"/api/v1/versions/constitution/house/{version.number}/approve/"
        told = client.post(place, {"digest": version.digest, "reason": "Read it."}, format="json")
        assert told.status_code == 403
        assert "a token or a command cannot" in told.json()["detail"]
        assert client.get("/api/v1/versions/constitution/house/1/").status_code == 200
    assert lookup.find(version.subject).state == "in_review"


def test_whoever_set_one_up_is_asked_though_nobody_requires_it(client_for, settings):
    settings.CHARTER_TOTP_REQUIRED_FOR = []
    version, client = waiting(), client_for("ravi")
    enrolled(client)
    assert decided(client_for("ravi"), version).status_code == 403
    assert decided(client_for("rosa"), version).status_code == 302


def test_new_groups_ask_for_it_anew(client_for, cast):
    client, version = client_for("ravi"), waiting()
    enrolled(client)
    set_groups(Account.objects.get(handle="ravi"), ["reviewer", "auditor"], actor=cast.actor("root"))
    assert decided(client, version).status_code == 403


def test_a_mark_in_the_session_of_somebody_else_is_worth_nothing(client_for):
    first, version = client_for("ravi"), waiting()
    enrolled(first)
    other = client_for("rosa")
    session = other.session
    session["second_factor"] = first.session["second_factor"]
    session.save()
    assert decided(other, version).status_code == 403


def test_signing_out_ends_it(client_for):
    client = client_for("ravi")
    enrolled(client)
    client.post(reverse("logout"))
    client.post(reverse("login"), {"username": "ravi", "password": PASSWORD})
    assert decided(client, waiting()).status_code == 403


def test_its_doors_are_for_people_with_an_account(client, cast, client_for):
    for place in ("", "begin/", "confirm/", "show/", "off/"):
        ask = client.get if not place else client.post
        assert ask(f"{PLACE}{place}")["Location"].startswith("/accounts/login/")
    closed = client_for("otto")
    deactivate(cast.otto.account, actor=cast.actor("root"))
    assert closed.post(f"{PLACE}begin/")["Location"].startswith("/accounts/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.ravi)
    assert strict.post(f"{PLACE}begin/").status_code == 403


def test_another_secret_key_is_told_and_not_a_fault(client_for, settings):
    client = client_for("ravi")
    enrolled(client)
    settings.SECRET_KEY = "another" * 10
    again = Client()
    again.login(username="ravi", password=PASSWORD)
    told = again.post(f"{PLACE}show/", {"code": "123456"})
    assert told.status_code == 409
    assert "another SECRET_KEY" in told.content.decode()


def test_what_decides_is_approving_and_granting():
    assert {"reviews:version:review", "people:account:manage"} <= decisions()
