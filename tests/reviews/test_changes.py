"""Asking for changes closes the version and opens the next draft, for its authors; a dissent stops nothing."""

import pytest
from django.urls import reverse

from governance.evidence.collect import collect
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions as registry
from governance.registry import lookup, states
from governance.reviews import actions, seats
from governance.reviews.models import Review
from tests.builders import CONSTITUTION, MARA, POLLY, RAVI
from tests.releases.world import build, released
from tests.reviews.conftest import in_review

pytestmark = pytest.mark.django_db


def next_draft():
    return lookup.find("constitution:house@2", drafts=True)


def test_changes_close_the_version_and_open_the_next_draft(say):
    version = in_review()
    status, told = say("ravi", version, "changes", reason="Rule 2 contradicts rule 1.")
    assert status in (200, 302)
    assert "constitution:house@2" in told
    draft = next_draft()
    assert (lookup.find("constitution:house@1").state, draft.state) == (states.REFUSED, states.DRAFT)
    assert (draft.content, draft.authors, draft.created_by) == (version.content, ["polly"], "polly")
    assert draft.based_on == version
    ops = list(Entry.objects.order_by("-id").values_list("op", "actor")[:3])
    assert {actor for _, actor in ops} == {"person:ravi"}
    assert [op for op, _ in ops] == [
        "reviews:version:changes-requested",
        "reviews:review:changes-asked",
        "reviews:version:reopened",
    ]


def test_the_authors_cannot_approve_the_next_one_and_the_reviewer_can(say):
    say("ravi", in_review(), "changes")
    registry.edit_draft(next_draft(), {**CONSTITUTION, "preamble": "Better."}, actor=MARA)
    version = actions.submit(next_draft(), actor=MARA)
    assert version.authors == ["mara", "polly"]
    assert say("polly", version)[0] == 403
    say("ravi", version)
    assert lookup.find(version.subject).state == states.APPROVED


def test_approvals_do_not_follow_to_the_draft(say):
    version = in_review(impact="high")
    say("rhea", version)
    say("ravi", version, "changes")
    registry.edit_draft(next_draft(), {**CONSTITUTION, "preamble": "Better."}, actor=POLLY)
    assert seats.standing(actions.submit(next_draft(), actor=POLLY)).filled == {}


def test_a_draft_that_is_open_already_is_the_one_that_is_meant(say):
    version = in_review()
    begun = registry.save_draft("constitution", "house", {"title": "Begun"}, actor=POLLY)
    say("ravi", version, "changes")
    assert Review.objects.get().draft == begun
    assert next_draft().content == {"title": "Begun"}


def test_a_restricted_version_opens_a_restricted_draft(say):
    secret = registry.register("system-prompt", "quiet", {"text": "Shh."}, restricted=True, actor=POLLY)
    registry.register("system-prompt", "quiet", {"text": "Loud."}, actor=POLLY)
    say("ravi", actions.submit(secret, actor=POLLY), "changes")
    draft = Review.objects.get().draft
    assert (draft.subject, draft.restricted, draft.content["text"]) == (
        "system-prompt:quiet@3",
        True,
        "Shh.",
    )


def test_the_page_and_the_api_say_so_and_lead_to_the_draft(client, cast):
    version = in_review()
    actions.request_changes(version, digest=version.digest, reason="Say why.", actor=RAVI)
    client.force_login(cast.polly)
    page = client.get(reverse("version", args=[version.subject])).content.decode()
    assert "Changes requested" in page
    assert 'href="/versions/constitution:house@2/"' in page
    (review,) = client.get("/api/v1/versions/constitution/house/1/").json()["reviews"]
    assert (review["verdict"], review["draft"], review["groups"]) == (
        "changes",
        "constitution:house@2",
        ["reviewer"],
    )


def test_a_dissent_stops_nothing_and_fills_no_seat(say):
    version = in_review(impact="high")
    say("rosa", version, "dissent", reason="Too early.")
    assert seats.standing(version).filled == {}
    say("ravi", version)
    say("rhea", version)
    assert lookup.find(version.subject).state == states.APPROVED
    say("bo", version, "dissent", reason="Still too early.")
    assert Review.objects.filter(verdict="dissent").count() == 2
    assert "already reviewed" in say("rosa", version, "dissent")[1]
    assert (
        "wrote or submitted" in say("polly", version, "dissent")[1]
        or say("polly", version, "dissent")[0] == 403
    )


def test_a_dissent_is_a_fact_with_its_reason(tmp_path, committed_db):
    world = build(tmp_path)
    version = lookup.find("constitution:house")
    actions.dissent(version, digest=version.digest, reason="I would not.", actor=world.cast.actor("rosa"))
    release = released(world)
    actions.submit(release, actor=MARA)
    actions.dissent(release, digest=release.digest, reason="Not yet.", actor=RAVI)
    settle()
    told = collect(release)
    found = {fact.key: fact.value for fact in told.facts}
    assert found["authorship.constitution.approved_as_1"] == ("reviewer",)
    assert found["authorship.constitution.dissented_by_2"] == "rosa"
    assert found["authorship.constitution.dissented_because_2"] == "I would not."
    assert found["approvals.constitution"] == 1
    assert found["thresholds_decision.dissented_by_1"] == "ravi"
    assert found["thresholds_decision.dissented_because_1"] == "Not yet."
