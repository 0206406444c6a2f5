"""What waits for whom: on the page, over the API and at the command line, in as many queries for thirty as for three."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from governance.ledger.actors import Actor
from governance.registry import actions as registry
from governance.reviews import actions
from tests.builders import POLLY, RAVI, constitution
from tests.reviews.conftest import in_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def listed(cast):
    """Subjects in a queue of somebody, over the API."""

    def subjects(name: str, queue: str = "waiting") -> list[str]:
        client = APIClient()
        client.force_login(cast.users[name])
        answer = client.get(f"/api/v1/reviews/?queue={queue}")
        assert answer.status_code == 200, answer.content
        return [row["subject"] for row in answer.json()["results"]]

    return subjects


@pytest.fixture
def page(client, cast):
    def read(name: str, queue: str = "waiting") -> str:
        client.force_login(cast.users[name])
        answer = client.get(f"/reviews/?queue={queue}")
        assert answer.status_code == 200
        return answer.content.decode()

    return read


def test_it_waits_for_whom_a_seat_fits(listed, page):
    high, low = in_review("high", impact="high"), in_review("low")
    mine = actions.submit(constitution("mine", actor=RAVI), actor=RAVI)
    assert listed("ravi") == [high.subject, low.subject]
    assert listed("rosa") == [high.subject, low.subject, mine.subject]
    assert listed("rhea") == [high.subject]
    assert listed("ada") == listed("polly") == []
    actions.approve(high, digest=high.digest, reason="Good.", actor=RAVI)
    assert listed("ravi") == [low.subject]
    assert listed("rhea") == [high.subject]
    told = page("rhea")
    assert "1 seat of 2 open, for red-teamer or reviewer." in told
    assert low.subject not in told


def test_a_red_teamer_leaves_the_queue_when_their_seat_is_taken(listed):
    version = in_review(impact="high")
    actions.approve(version, digest=version.digest, reason="Tried it.", actor=Actor.person("rhea"))
    assert listed("rufus") == []
    assert listed("ravi") == [version.subject]


def test_what_one_submitted_is_listed_with_its_state(listed, page):
    first, second = in_review("first"), in_review("second")
    registry.save_draft("constitution", "third", {"title": "Draft"}, actor=POLLY)
    actions.refuse(first, digest=first.digest, reason="No.", actor=RAVI)
    assert listed("polly", "submitted") == [first.subject, second.subject]
    assert listed("ravi", "submitted") == []
    told = page("polly", "submitted")
    assert "Refused" in told
    assert "1 seat of 1 open, for reviewer." in told


def test_what_waits_for_long_is_stale(listed, page, settings):
    version = in_review()
    assert listed("ravi", "stale") == []
    assert "Nothing has waited for long" in page("ravi", "stale")
    settings.CHARTER_REVIEW_STALE_DAYS = -1
    assert listed("otto", "stale") == [version.subject]
    assert version.subject in page("otto", "stale")
    out = StringIO()
    call_command("reviews", "--stale", "--json", stdout=out)
    (row,) = json.loads(out.getvalue())
    assert (row["subject"], row["impact"], row["missing"]) == (
        version.subject,
        "medium",
        "1 seat of 1 open, for reviewer.",
    )
    assert row["since"][:4] == str((timezone.now() - timedelta(minutes=1)).year)


def test_the_command_says_what_waits_or_that_nothing_does():
    out = StringIO()
    call_command("reviews", stdout=out)
    assert out.getvalue() == "Nothing waits for a review.\n"
    version = in_review()
    call_command("reviews", stdout=out)
    assert f"{version.subject}  impact medium" in out.getvalue()


def test_a_queue_that_does_not_exist_is_refused(client, cast):
    client.force_login(cast.otto)
    assert client.get("/reviews/?queue=all").status_code == 404
    assert client.get("/api/v1/reviews/?queue=all").status_code == 400


def test_nobody_without_an_account_reads_it(client):
    assert client.get("/reviews/")["Location"].startswith("/accounts/login/")
    assert client.get("/api/v1/reviews/").status_code == 401


def test_a_page_of_them_goes_on_over_the_api(client, cast):
    for number in range(3):
        in_review(f"rules-{number}")
    client.force_login(cast.ravi)
    first = client.get("/api/v1/reviews/?page_size=2").json()
    assert len(first["results"]) == 2
    second = client.get(first["next"].partition("testserver")[2]).json()
    assert [row["subject"] for row in second["results"]] == ["constitution:rules-2@1"]


def test_many_cost_as_many_queries_as_few(client, cast):
    addresses = [
        ("rhea", "/reviews/"), ("ravi", "/reviews/"), ("polly", "/reviews/?queue=submitted"), ("ravi", "/reviews/?queue=stale"),
        ("rhea", "/api/v1/reviews/"), ("ravi", "/api/v1/versions/constitution/rules-0/1/"), ("ravi", "/versions/constitution:rules-0@1/"),
    ]  # fmt: skip

    def costs() -> list[int]:
        found = []
        for name, address in addresses:
            client.force_login(cast.users[name])
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            found.append(len(queries))
        return found

    for number in range(3):
        in_review(f"rules-{number}", impact="high")
    few = costs()
    assert max(few) <= 50, few
    for number in range(3, 24):
        in_review(f"rules-{number}", impact="high")
    assert costs() == few
