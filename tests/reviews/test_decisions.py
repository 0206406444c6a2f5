"""The decisions register: read from entries, with consultation and dissent; its figures against values made by hand."""

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.cards.models import Objection
from governance.ledger import events
from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people.actions import set_groups
from governance.people.permissions import table
from governance.registry import actions, lookup
from governance.registry.models import Version
from governance.reviews import actions as reviews
from governance.reviews import comments, concentration, decisions
from governance.reviews.concentration import Approved, Decided, Raised
from tests.builders import ADA, POLLY, RAVI, constitution
from tests.cards.publishing import objected, published
from tests.cast import Cast, gather
from tests.releases.world import build

API = "/api/v1/decisions/"
ROSA, ROOT = Actor.person("rosa"), Actor.person("root")
DAY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def cast(db) -> Cast:
    return gather()


@pytest.fixture
def client_of(cast):
    def client(name: str) -> Client:
        made = Client()
        made.force_login(cast.users[name])
        return made

    return client


def submitted(slug: str = "house") -> Version:
    version = reviews.submit(constitution(slug), actor=POLLY)
    return lookup.find(version.subject)


def listed(client: Client, **asked: str) -> list[dict]:
    response = client.get(API, asked)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_a_row_says_who_decided_what_why_and_whom_they_heard(cast, client_of):
    version = submitted()
    comments.comment(version, text="Is this enough?", actor=ADA)
    reviews.refuse(version, digest=str(version.digest), reason="It is not.", actor=RAVI)
    actions.revoke(lookup.find(version.subject), reason="=1+1 leaked", actor=Actor.command("op", "mara"))
    set_groups(cast.otto.account, ["auditor"], actor=ROOT)
    groups, revoked, refused = listed(client_of("axel"))
    assert (refused["decision"], refused["who"], refused["acted_as"]) == ("refusal", "ravi", "person")
    assert (refused["subject"], refused["digest"]) == (version.subject, version.digest)
    assert (refused["reason"], refused["consulted"], refused["dissent"]) == ("It is not.", ["ada"], [])
    assert (revoked["who"], revoked["acted_as"], revoked["impact"]) == ("mara", "command", "high")
    assert (revoked["consulted"], revoked["dissent"]) == (["ada", "ravi"], ["ravi"])
    assert (groups["decision"], groups["subject"], groups["who"]) == ("groups changed", "otto", "root")
    assert groups["reason"] == ""
    page = client_of("otto").get("/decisions/").content.decode()
    assert "It is not." in page
    assert 'href="/decisions/"' in client_of("otto").get("/").content.decode()


def test_what_is_decided_later_is_not_told_of_earlier_decisions(cast, client_of):
    version = submitted()
    reviews.approve(version, digest=str(version.digest), reason="Fine.", actor=RAVI)
    comments.comment(lookup.find(version.subject), text="Too late.", actor=ADA)
    first = listed(client_of("axel"), decision="approval")[0]
    assert (first["consulted"], first["dissent"]) == ([], [])


def test_it_is_filtered_by_person_kind_subject_and_day(cast, client_of):
    for slug, by in (("house", RAVI), ("garden", ROSA)):
        version = submitted(slug)
        reviews.refuse(version, digest=str(version.digest), reason=slug, actor=by)
    client, today = client_of("axel"), Entry.objects.latest("id").at.date()
    for asked, reasons in (
        ({"person": "rosa"}, ["garden"]),
        ({"person": "osa"}, []),
        ({"subject": "constitution:house"}, ["house"]),
        ({"subject": "constitution:garden@1"}, ["garden"]),
        ({"decision": "refusal"}, ["garden", "house"]),
        ({"since": str(today), "until": str(today)}, ["garden", "house"]),
        ({"since": str(today + timedelta(days=1))}, []),
        ({"until": str(today - timedelta(days=1))}, []),
    ):
        assert [row["reason"] for row in listed(client, **asked)] == reasons, asked
        page = client.get("/decisions/", asked)
        assert page.status_code == 200
        assert all(f'<td data-label="Reason">{reason}</td>' in page.content.decode() for reason in reasons)
    for asked in ({"subject": "constitution:nothing"}, {"since": "yesterday"}, {"decision": "guess"}):
        assert client.get(API, asked).status_code == 400, asked
        assert client.get("/decisions/", asked).status_code == 400, asked
    assert client.get(API, {"who": "rosa"}).status_code == 400
    assert Client().get(API).status_code == 401
    assert Client().get("/decisions/")["Location"].startswith("/accounts/login/")


def test_the_register_costs_the_same_however_long_it_is(cast, client_of):
    def costs() -> list[int]:
        found = []
        for address in ("/decisions/", API, f"{API}figures/"):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            found.append(len(queries))
        return found

    def decide(slug: str) -> None:
        version = submitted(slug)
        comments.comment(version, text="Why?", actor=ADA)
        reviews.refuse(version, digest=str(version.digest), reason="No.", actor=RAVI)

    client = client_of("axel")
    decide("first")
    few = costs()
    for number in range(6):
        decide(f"more-{number}")
    assert costs() == few
    assert max(few) <= 50


def test_it_is_exported_as_csv_without_formulas_and_as_json(cast):
    version = submitted()
    reviews.refuse(version, digest=str(version.digest), reason='=HYPERLINK("x")', actor=RAVI)
    out = StringIO()
    call_command("decisions", stdout=out)
    header, row = csv.reader(StringIO(out.getvalue()))
    told = dict(zip(header, row, strict=True))
    assert told["reason"] == '\'=HYPERLINK("x")'
    assert (told["who"], told["decision"]) == ("ravi", "refusal")
    out, again = StringIO(), StringIO()
    call_command("decisions", "--json", stdout=out)
    call_command("decisions", "--json", stdout=again)
    assert json.loads(out.getvalue())["reason"] == '=HYPERLINK("x")'
    assert out.getvalue() == again.getvalue()
    with pytest.raises(CommandError):
        call_command("decisions", "--since", "yesterday")


def test_every_decision_is_a_known_event_with_a_known_action(db):
    known = {str(kind) for kind in events.known()}
    assert set(decisions.known()) <= known
    assert {one.action for one in decisions.known().values()} - {""} <= set(table())
    assert {one.impact for one in decisions.known().values()} <= {"", "low", "medium", "high"}


def test_what_rooms_above_decide_stands_in_it_too(committed_db, tmp_path, settings):
    settings.CHARTER_PUBLIC_CARDS = True
    world = build(tmp_path)
    published(lookup.find("model:tuned"))
    row = objected("model:tuned@1")
    client = Client()
    client.force_login(world.cast.ravi)
    client.post(
        f"/objections/{row.pk}/answer/",
        {"outcome": "partly", "answer": "In part.", "changed": "model:tuned@1"},
    )
    answered, publication = listed(client)[:2]
    assert (publication["decision"], publication["subject"]) == ("publication", "model:tuned@1")
    assert publication["consulted"] == ["ravi"]
    assert (answered["decision"], answered["reason"], answered["who"]) == (
        "objection answered",
        "In part.",
        "ravi",
    )
    assert [one["decision"] for one in listed(client, subject="model:tuned@1")][:2] == [
        "objection answered",
        "publication",
    ]
    settle()
    place = listed(client)[0]["entry"]
    assert client.get(f"/ledger/entries/{place}/").status_code == 200
    figures = client.get(f"{API}figures/").json()
    assert figures["duties"] == {"n": 2, "alone": 0, "share": "0"}
    assert figures["contested"]["changed"] == 1
    assert figures["contested"]["share_changed"] == "1"
    assert Objection.objects.get().outcome == "partly"
    page = client.get("/decisions/").content.decode()
    assert "0 of 2 approved policies" in page
    assert "None of this says whether a decision was right" in page


def test_concentration_by_hand():
    taken = [Decided("ravi", "high")] * 2 + [
        Decided("rosa", "high"),
        Decided("mara", "medium"),
        Decided("root", "low"),
    ]
    found = concentration.concentration(taken, eligible=8)
    # Weights 6, 3, 2 and 1 of 12: 36 + 9 + 4 + 1 = 50 of 144.
    assert (found.n, found.eligible, found.hhi, found.effective) == (5, 8, "0.3472", "2.88")
    assert found.shares == (
        ("ravi", "0.5", 2),
        ("rosa", "0.25", 1),
        ("mara", "0.1667", 1),
        ("root", "0.0833", 1),
    )
    assert concentration.concentration(reversed(taken), eligible=8) == found
    alone = concentration.concentration([Decided("ravi", "low")], eligible=3)
    assert (alone.hhi, alone.effective) == ("1", "1")
    nobody = concentration.concentration([], eligible=3)
    assert (nobody.n, nobody.hhi, nobody.effective, nobody.shares) == (0, None, None, ())


def test_separation_by_hand():
    two, own, both = (
        Approved(frozenset({"polly"}), frozenset({"ravi"})),
        Approved(frozenset({"polly", "ada"}), frozenset({"polly"})),
        Approved(frozenset({"polly"}), frozenset({"polly", "ravi"})),
    )
    found = concentration.separation([two, own, both])
    assert (found.n, found.alone, found.share) == (3, 1, "0.3333")
    assert concentration.separation([]).share is None


def test_contestability_by_hand():
    def raised(days: float | None, changed: bool = False) -> Raised:
        return Raised(DAY, None if days is None else DAY + timedelta(days=days), changed)

    found = concentration.contestability(
        [raised(1, True), raised(2.5), raised(10, True), raised(None)], dissent=2
    )
    assert (found.n, found.open, found.answered, found.median_days) == (4, 1, 3, "2.5")
    assert (found.changed, found.share_changed, found.dissent) == (2, "0.6667", 2)
    even = concentration.contestability([raised(1), raised(2)], dissent=0)
    assert even.median_days == "1.5"
    none = concentration.contestability([], dissent=0)
    assert (none.n, none.median_days, none.share_changed) == (0, None, None)


def test_actors_are_read_as_the_ledger_writes_them():
    for actor, told in {
        "person:ada": ("ada", "person"),
        "demo person:ada": ("ada", "person"),
        "token:1f0c2a9b for person:ada": ("ada", "token"),
        "cli:root for person:ada": ("ada", "command"),
        "system:reaper": ("reaper", "system"),
        "system:worker for person:ada": ("ada", "system"),
    }.items():
        assert decisions.who_of(actor) == told
