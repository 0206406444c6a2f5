"""Objections: raised by anybody against what is public, answered by somebody who did not write it, proven to whoever asks."""

import json
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.cards import objections
from governance.cards.models import Objection
from governance.ledger import audit, bundle
from governance.ledger.canonical import loads
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.ledger.verify import verify
from governance.registry import actions, erasure, lookup
from tests.builders import ADA
from tests.cards.publishing import late, objected, published, ready
from tests.releases.conftest import world
from tests.releases.world import World

__all__ = ["world"]
SUBJECT, FORM, API = "model:tuned@1", "/public/model/tuned/1/object/", "/api/v1/objections/"
BAD = "It hurts <script>alert(1)</script> people."


@pytest.fixture
def shown(world, settings) -> World:
    """The model's card is published; it names a constitution through the release only."""
    settings.CHARTER_PUBLIC_CARDS = True
    published(lookup.find(SUBJECT))
    return world


@pytest.fixture
def client_of(world):
    def client(name: str) -> Client:
        made = Client()
        made.force_login(world.cast.users[name])
        return made

    return client


def text_of(response) -> str:
    return response.content.decode()


def sent(client: Client, **given: object):
    return client.post(API, {"subject": SUBJECT, "text": BAD, **given}, content_type="application/json")


def answered(client: Client, objection: Objection, **given: str):
    told = {"outcome": "upheld", "answer": "You are right.", **given}
    return client.post(f"/objections/{objection.pk}/answer/", told, follow=True)


def test_a_stranger_objects_and_follows_it_to_its_answer_with_proofs(shown, client_of):
    stranger = Client()
    assert "Intended uses" in text_of(stranger.get(FORM))
    made = stranger.post(FORM, {"anchor": "intended_uses", "text": BAD, "contact": "me@example.org"})
    row = Objection.objects.get()
    assert made["Location"] == f"/objections/{row.receipt}/"
    entry = Entry.objects.get(object_id=str(row.pk))
    assert (entry.op, entry.actor) == ("cards:objection:raised", "system:public")
    assert loads(entry.parts["X"]["payload"])["state"] == {"contact": "me@example.org"}
    assert "hurts" not in entry.parts["P"]["payload"]
    assert row.receipt not in entry.parts["P"]["payload"]
    page = stranger.get(made["Location"])
    assert "&lt;script&gt;" in text_of(page)
    assert "<script>alert" not in text_of(page)
    assert "me@example.org" not in text_of(page)
    assert page["Cache-Control"] == "private, no-store"
    assert "waits for its signature" in text_of(page)
    settle()
    proof = stranger.get(f"{made['Location']}1/")
    assert verify(proof.content).holds
    assert b"It hurts" in proof.content
    assert b"me@example.org" not in proof.content
    assert f"entries/{entry_index(row, 1)}.json" in bundle.read(proof.content)
    handler = client_of("mara")
    assert "me@example.org" in text_of(handler.get(f"/objections/{row.pk}/"))
    assert "me@example.org" not in text_of(client_of("otto").get(f"/objections/{row.pk}/"))
    told = answered(handler, row, outcome="partly", changed="constitution:house@1")
    assert "is answered" in text_of(told)
    settle()
    assert Entry.objects.latest("id").actor == "person:mara"
    page = text_of(stranger.get(made["Location"]))
    for said in ("Upheld in part", "You are right.", "constitution:house@1", "mara"):
        assert said in page
    assert verify(stranger.get(f"{made['Location']}2/").content).holds
    assert stranger.get(f"{made['Location']}3/").status_code == 404
    assert audit.run().problems == []


def entry_index(row: Objection, rev: int) -> int | None:
    return Entry.objects.get(object_id=str(row.pk), rev=rev).leaf_index


def test_over_the_api_without_an_account(shown):
    made = sent(Client(), anchor="intended_uses")
    assert made.status_code == 201, made.content
    row = Objection.objects.get()
    assert made.json()["receipt"] == row.receipt
    assert made["Location"].endswith(f"/objections/{row.receipt}/")
    assert re.fullmatch(r"[0-9a-f]{32}", row.receipt)
    assert (row.due_at - row.at).days == 30
    faults = {
        "text": sent(Client(), text=""),
        "anchor": sent(Client(), anchor="x" * 200),
        "state": sent(Client(), state="answered"),
        "receipt": sent(Client(), receipt="1" * 32),
        "due_at": sent(Client(), due_at="2030-01-01T00:00:00Z"),
    }
    for field, response in faults.items():
        assert response.status_code == 400, field
        assert field in {error["field"] for error in response.json()["errors"]}
    assert sent(Client(), text="x" * 10_001).status_code == 400
    assert sent(Client(), anchor="no_such_field").status_code == 409
    assert Objection.objects.count() == 1
    for address in (API, f"{API}{row.pk}/", f"{API}{row.pk}/answer/"):
        assert Client().get(address).status_code == 401, address
    assert Client().post(f"{API}{row.pk}/answer/", {}, content_type="application/json").status_code == 401


def test_a_rule_that_a_published_card_names_can_be_objected_to(shown):
    subject = "constitution:house@1"
    with pytest.raises(objections.NotPublic):
        objections.target(subject)
    published(ready(shown))
    row = objected(subject, anchor="no-harm")
    assert row.version.subject == subject
    assert ("no-harm", "Principle no-harm") in objections.target(subject).anchors
    assert ("no-harm", "Principle no-harm") in objections.target("release:assistant@1").anchors


@pytest.mark.parametrize("door", ["form", "api"])
def test_what_is_not_public_is_the_same_404_whatever_it_is(shown, settings, door):
    settings.CHARTER_OBJECTION_RATE = "off"
    chats = lookup.find("dataset:chats").content
    hidden = actions.register("dataset", "hidden", chats, restricted=True, actor=ADA)
    names = [hidden.subject, "dataset:chats@1", "dataset:nothing@1", "constitution:house@1", "model:tuned@2"]
    told = set()
    for name in names:
        kind, slug, number = re.split("[:@]", name)
        if door == "form":
            response = Client().post(f"/public/{kind}/{slug}/{number}/object/", {"text": BAD})
        else:
            response = sent(Client(), subject=name)
        told.add((response.status_code, text_of(response).replace(name, "NAME")))
    assert len(told) == 1
    assert told.pop()[0] == 404
    settings.CHARTER_PUBLIC_CARDS = False
    assert Client().get(FORM).status_code == 404
    assert sent(Client()).status_code == 404
    assert not Objection.objects.exists()


def test_a_flood_is_limited_at_both_doors_and_from_everywhere(shown, settings):
    settings.CHARTER_OBJECTION_RATE, settings.CHARTER_OBJECTION_TOTAL = "2/h", "3/h"
    assert sent(Client()).status_code == 201
    assert Client().post(FORM, {"text": BAD}).status_code == 302
    limited = sent(Client())
    assert limited.status_code == 429
    assert int(limited["Retry-After"]) > 0
    assert Client().post(FORM, {"text": BAD}).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.7").post(FORM, {"text": BAD}).status_code == 302
    assert Client(REMOTE_ADDR="192.0.2.8").post(FORM, {"text": BAD}).status_code == 429
    assert Objection.objects.count() == 3


def test_nobody_answers_about_what_they_wrote_or_what_they_raised(shown, client_of):
    release = ready(shown)
    published(release)
    about_maras = objected(release.subject)
    assert "mara wrote or submitted" in text_of(answered(client_of("mara"), about_maras))
    client_of("ravi").post(FORM, {"text": BAD})
    own = Objection.objects.get(raised_by="ravi")
    assert "ravi raised this objection" in text_of(answered(client_of("ravi"), own))
    for name in ("ada", "polly", "axel", "root", "otto"):
        assert answered(client_of(name), own).status_code == 403, name
    assert set(Objection.objects.values_list("state", flat=True)) == {"open"}
    assert "is answered" in text_of(answered(client_of("rosa"), about_maras))
    again = text_of(answered(client_of("ravi"), about_maras))
    assert "answered already, by rosa" in again


def test_an_answer_needs_an_outcome_a_text_and_a_change_that_exists(shown, client_of):
    row, client = objected(SUBJECT), client_of("ravi")
    actions.register("dataset", "hidden", lookup.find("dataset:chats").content, restricted=True, actor=ADA)
    for given, why in (
        ({"outcome": "maybe"}, "An outcome is one of"),
        ({"answer": " "}, "Give an answer"),
        ({"answer": "x" * 10_001}, "at most 10,000 are kept"),
        ({"changed": "constitution:nothing@1"}, "There is no"),
        ({"changed": "entry:0"}, "is no decision"),
        ({"changed": "dataset:hidden@1"}, "is restricted"),
        ({"outcome": "not_upheld", "changed": "constitution:house@1"}, "changed nothing"),
    ):
        assert why in text_of(answered(client, row, **given)).replace("&#x27;", "'"), given
    row.refresh_from_db()
    assert row.state == "open"
    settle()
    decided = Entry.objects.filter(op="reviews:review:approval-given").first()
    answered(client, row, changed=f"entry:{decided.leaf_index}")
    row.refresh_from_db()
    assert (row.state, row.changed) == ("answered", f"entry:{decided.leaf_index}")


def test_spam_is_rejected_with_a_reason_and_stays(shown, client_of):
    row = objected(SUBJECT, text="Buy my pills.")
    client = client_of("ravi")
    told = {"decision": "rejected", "answer": "Advertising."}
    done = client.post(f"{API}{row.pk}/answer/", told, content_type="application/json")
    assert done.status_code == 200, done.content
    assert done.json()["state"] == "rejected"
    assert Entry.objects.latest("id").op == "cards:objection:rejected"
    assert "Buy my pills." in text_of(client.get(f"/objections/{row.pk}/"))
    twice = client.post(f"{API}{row.pk}/answer/", told, content_type="application/json")
    assert twice.status_code == 409


def test_overdue_ones_come_first_everywhere(shown, client_of, monkeypatch):
    early = objected(SUBJECT, text="First.")
    late(early, monkeypatch)
    fresh = objected(SUBJECT, text="Second.")
    listed = text_of(client_of("axel").get("/objections/"))
    assert listed.index(str(early.pk)) < listed.index(str(fresh.pk))
    assert listed.count("Overdue") == 1
    assert "Overdue objections" in text_of(client_of("ravi").get("/"))
    assert "Overdue objections" not in text_of(client_of("ada").get("/"))
    out = StringIO()
    call_command("objections", "--overdue", "--json", stdout=out)
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == [str(early.pk)]
    out = StringIO()
    call_command("objections", "--open", stdout=out)
    assert out.getvalue().splitlines()[0].startswith(f"{early.pk} {SUBJECT}: open, overdue since")


def test_the_lists_cost_the_same_however_long_they_are(shown, client_of):
    def costs() -> list[int]:
        found = []
        for address in ("/objections/", API):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            found.append(len(queries))
        return found

    client = client_of("axel")
    objected(SUBJECT)
    few = costs()
    for number in range(12):
        objected(SUBJECT, text=f"Number {number}.")
    assert costs() == few
    assert max(few) <= 50


def test_a_receipt_number_opens_one_objection_and_nothing_else(shown):
    row = objected(SUBJECT)
    assert Client().get(f"/objections/{row.receipt}/").status_code == 200
    wrong = Client().get(f"/objections/{'0' * 32}/")
    assert wrong.status_code == 404
    for address in ("/objections/", f"/objections/{row.pk}/", "/decisions/"):
        assert Client().get(address)["Location"].startswith("/accounts/login/"), address
    assert Client().post(f"/objections/{row.pk}/answer/", {})["Location"].startswith("/accounts/login/")
    assert Client(enforce_csrf_checks=True).post(FORM, {"text": BAD}).status_code == 403


def test_what_is_personal_can_be_erased_and_the_rest_still_holds(shown):
    row = objected(SUBJECT, contact="me@example.org", text="I am Jane.")
    asked = erasure.ask(
        row, classes=("R", "X"), authority="GDPR Art. 17", reason="Asked for.", actor=shown.cast.actor("root")
    )
    erasure.confirm(asked, actor=ADA)
    row.refresh_from_db()
    assert (row.text, row.contact) == ("", "")
    assert "erased" in text_of(Client().get(f"/objections/{row.receipt}/"))
    settle()
    assert audit.run().problems == []
