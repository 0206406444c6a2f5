"""Approving needs a second pair of eyes on the exact digest."""

import pytest
from django.core.management import call_command
from django.urls import reverse

from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.registry import actions as registry
from governance.registry import lookup
from governance.registry.actions import Refused
from governance.reviews import actions
from governance.reviews.models import Review
from tests.builders import CONSTITUTION, POLLY, RAVI, approved, constitution
from tests.cast import gather

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cast():
    return gather()


def in_review():
    return actions.submit(constitution(), actor=POLLY)


def decide(client, user, version, verdict="approve", digest=None, reason="Read it."):
    client.force_login(user)
    data = {"verdict": verdict, "digest": digest or version.digest, "reason": reason}
    return client.post(reverse("version-decide", args=[version.subject]), data, follow=True)


def test_a_reviewer_approves_in_the_browser(client, cast):
    version = in_review()
    page = decide(client, cast.ravi, version)
    assert "is approved" in page.content.decode()
    assert lookup.find("constitution:house").state == "approved"
    assert Review.objects.get().digest == version.digest
    ops = list(Entry.objects.order_by("-id").values_list("op", flat=True)[:2])
    assert ops == ["reviews:version:approved", "reviews:review:approval-given"]


def test_a_reviewer_refuses_with_a_reason(client, cast):
    version = in_review()
    assert "Give a reason" in decide(client, cast.ravi, version, "refuse", reason=" ").content.decode()
    decide(client, cast.ravi, version, "refuse", reason="Rule 2 contradicts rule 1.")
    assert lookup.find("constitution:house").state == "refused"


@pytest.mark.parametrize("name", ["ada", "polly", "mara", "axel", "root", "otto"])
def test_nobody_else_may_approve(client, cast, name):
    version = in_review()
    assert decide(client, cast.users[name], version).status_code == 403
    assert lookup.find("constitution:house").state == "in_review"


def test_nobody_approves_what_they_wrote_edited_or_submitted():
    version = constitution(actor=RAVI)
    actions.submit(version, actor=POLLY)
    for author in (RAVI, POLLY):
        with pytest.raises(Refused, match="somebody else"):
            actions.approve(version, digest=version.digest, reason="Mine.", actor=author)


def test_an_approval_names_the_digest_that_was_seen(client, cast):
    version = in_review()
    assert "read it again" in decide(client, cast.ravi, version, digest="0" * 64).content.decode()
    assert not Review.objects.exists()


def test_commands_and_systems_cannot_approve():
    version = in_review()
    worker = Actor("system:worker for person:ravi", "ravi")
    for actor in (
        Actor.command("root", "ravi"),
        Actor.command("root", "ravi").demo(),
        worker,
        Actor.system("reaper"),
    ):
        with pytest.raises(Refused, match="signed-in person"):
            actions.approve(version, digest=version.digest, reason="So.", actor=actor)


def test_an_approved_successor_supersedes():
    first = approved(constitution())
    second = approved(constitution(content={**CONSTITUTION, "preamble": "Newer."}))
    assert lookup.find(first.subject).state == "superseded"
    assert lookup.find(second.subject).state == "approved"


def test_only_what_is_in_review_can_be_approved(client, cast):
    version = constitution()
    assert "not in review" in decide(client, cast.ravi, version).content.decode()
    client.force_login(cast.ravi)
    assert client.get(reverse("version-decide", args=[version.subject])).status_code == 405


def test_an_older_version_is_not_approved_over_a_newer_one():
    first = actions.submit(constitution(), actor=POLLY)
    approved(constitution(content={**CONSTITUTION, "preamble": "Newer."}))
    with pytest.raises(Refused, match="is newer and approved"):
        actions.approve(first, digest=first.digest, reason="Late.", actor=RAVI)


def test_only_who_writes_a_kind_submits_its_drafts(client, cast):
    draft = registry.save_draft("constitution", "house", CONSTITUTION, actor=POLLY)
    client.force_login(cast.ada)
    assert client.post(reverse("version-submit", args=[draft.subject])).status_code == 403
    assert lookup.find("constitution:house@1").state == "draft"
    client.force_login(cast.polly)
    client.post(reverse("version-submit", args=[draft.subject]))
    assert lookup.find("constitution:house@1").state == "in_review"


def test_a_reason_that_would_be_cut_is_refused(client, cast):
    version = in_review()
    assert "shorten it" in decide(client, cast.ravi, version, reason="x" * 10_001).content.decode()


def test_a_command_makes_nobody_an_author_of_what_they_may_not_read(cast, capsys):
    version = registry.register("constitution", "house", CONSTITUTION, restricted=True, actor=POLLY)
    with pytest.raises(SystemExit):
        call_command("submit", version.subject, as_name="mara")
    assert "is restricted to its authors" in capsys.readouterr().err
    assert lookup.find(version.subject).authors == ["polly"]
    call_command("submit", version.subject, as_name="polly")
    assert lookup.find(version.subject).state == "in_review"
