"""What changes something is asked for by POST, with a token against forgery, by somebody who may; else nothing changes."""

import pytest
from django.test import Client

from governance.ledger.models import Entry
from governance.registry import lookup
from training import states
from training.models import Run


@pytest.fixture
def doors(world) -> dict[str, dict[str, str]]:
    """Address → what is posted there."""
    waiting = f"/versions/{world.waiting.subject}"
    verdict = {"verdict": "approve", "digest": str(world.waiting.digest), "reason": "Read it."}
    return {
        f"{waiting}/decide/": verdict,
        f"{waiting}/revoke/": {"reason": "Wrong."},
        f"/versions/{world.release.subject}/submit/": {},
        f"/releases/{world.release.subject}/gate/": {},
        f"/runs/{world.run.pk}/cancel/": {},
        f"/runs/{world.run.pk}/retry/": {},
    }


def test_reading_a_door_opens_nothing(doors, signed_in):
    before = Entry.objects.count()
    for name in ("ravi", "mara", "ada"):
        client = signed_in(name)
        assert {client.get(address).status_code for address in doors} == {405}
    assert client.get("/accounts/logout/").status_code == 405
    assert Entry.objects.count() == before


def test_a_post_without_the_token_is_refused(doors, signed_in):
    before = Entry.objects.count()
    for name in ("ravi", "mara", "ada"):
        client = signed_in(name, enforce_csrf_checks=True)
        for address, posted in doors.items():
            response = client.post(address, posted)
            assert response.status_code == 403, address
            assert "form" in response.content.decode().lower()
    assert Entry.objects.count() == before


def test_a_post_by_an_outsider_is_refused_with_the_group_that_may(doors, signed_in):
    before = Entry.objects.count()
    for name in ("otto", "axel"):
        client = signed_in(name)
        for address, posted in doors.items():
            response = client.post(address, posted)
            assert response.status_code == 403, address
            assert "This needs the group" in response.content.decode()
    assert Entry.objects.count() == before


def test_a_stranger_is_sent_to_sign_in(doors, client):
    before = Entry.objects.count()
    for address, posted in doors.items():
        assert client.post(address, posted)["Location"].startswith("/accounts/login/")
    assert Entry.objects.count() == before


def test_a_reviewer_approves_exactly_what_was_read(world, signed_in):
    client, door = signed_in("ravi"), f"/versions/{world.waiting.subject}/decide/"
    late = client.post(door, {"verdict": "approve", "digest": "0" * 64, "reason": "Fine."}, follow=True)
    assert lookup.find(world.waiting.subject).state == "in_review"
    assert 'class="notice error"' in late.content.decode()
    empty = client.post(
        door, {"verdict": "approve", "digest": world.waiting.digest, "reason": " "}, follow=True
    )
    assert lookup.find(world.waiting.subject).state == "in_review"
    assert "reason" in empty.content.decode()
    odd = {"verdict": "approve", "digest": world.waiting.digest, "reason": "Clear\0 and short."}
    told = client.post(door, odd, follow=True)
    assert lookup.find(world.waiting.subject).state == "approved"
    assert "constitution:house@2 is approved." in told.content.decode()
    assert Entry.objects.latest("id").actor == "person:ravi"


def test_nobody_decides_over_what_they_wrote(world, signed_in):
    posted = {"verdict": "approve", "digest": world.own.digest, "reason": "Mine."}
    told = signed_in("ravi").post(f"/versions/{world.own.subject}/decide/", posted, follow=True)
    assert lookup.find(world.own.subject).state == "in_review"
    assert 'class="notice error"' in told.content.decode()


def test_a_verdict_is_one_of_four(world, signed_in):
    response = signed_in("ravi").post(f"/versions/{world.waiting.subject}/decide/", {"verdict": "maybe"})
    assert response.status_code == 403
    assert "Choose approve, refuse, changes or dissent." in response.content.decode()


def test_an_engineer_cancels_a_run_once(world, signed_in):
    client, door = signed_in("ada"), f"/runs/{world.run.pk}/cancel/"
    assert "The job was asked to stop." in client.post(door, follow=True).content.decode()
    assert Run.objects.get(pk=world.run.pk).state == states.CANCELLING
    assert "already being cancelled" in client.post(door, follow=True).content.decode()
    assert (
        "only a failed or cancelled run is retried"
        in client.post(f"/runs/{world.run.pk}/retry/", follow=True).content.decode()
    )


def test_the_gate_runs_again_and_keeps_the_earlier_report(world, signed_in):
    told = signed_in("mara").post(f"/releases/{world.release.subject}/gate/", follow=True)
    assert "The gate says: refused." in told.content.decode()
    assert "Earlier gate reports (1)" in told.content.decode()
    assert world.release.gate_reports.count() == 2


def test_sign_in_never_leads_elsewhere(world, client):
    posted = {"username": "ada", "password": "correct-horse-battery", "next": "https://evil.example/"}
    assert client.post("/accounts/login/", posted)["Location"] == "/"
    wrong = Client().post("/accounts/login/", {"username": "ada\0", "password": "x"})
    assert wrong.status_code == 200
