"""Every seat is filled by another person whose groups fit, through both doors; the last one approves."""

import json

import pytest
from django.core.management import get_commands

from governance.ledger.models import Entry
from governance.people.actions import deactivate, set_groups
from governance.registry import actions as registry
from governance.registry import lookup, states
from governance.reviews import actions, seats
from governance.reviews.impact import set_impact
from governance.reviews.models import Review
from tests.builders import CONSTITUTION, MARA, POLLY, RAVI
from tests.releases.world import build, released
from tests.reviews.conftest import by_page, in_review, over_api

pytestmark = pytest.mark.django_db


def state(version) -> str:
    return lookup.find(version.subject).state


def test_a_reviewer_and_a_red_teamer_approve_together(say):
    version = in_review(impact="high")
    assert say("ravi", version)[0] in (200, 302)
    assert state(version) == states.IN_REVIEW
    assert seats.standing(version).seats == [
        {"groups": ["reviewer"], "filled_by": "ravi"},
        {"groups": ["red-teamer", "reviewer"], "filled_by": None},
    ]
    assert say("rhea", version)[0] in (200, 302)
    assert state(version) == states.APPROVED
    summary = json.loads(Entry.objects.get(op="reviews:version:approved").parts["P"]["payload"])["summary"]
    assert summary["requirements"] == seats.in_force().digest
    assert (summary["impact"], [seat["filled_by"] for seat in summary["seats"]]) == ("high", ["ravi", "rhea"])
    given = json.loads(Review.objects.get(reviewer="rhea").ledger_head.parts["P"]["payload"])["state"]
    assert given["groups"] == ["red-teamer"]


def test_two_red_teamers_are_not_enough(say):
    version = in_review(impact="high")
    say("rhea", version)
    status, told = say("rufus", version)
    assert "No open seat" in told
    assert "for reviewer" in told
    assert status in (302, 409)
    assert (state(version), Review.objects.count()) == (states.IN_REVIEW, 1)
    say("ravi", version)
    assert state(version) == states.APPROVED


def test_nobody_fills_two_seats_through_two_groups(say):
    version = in_review(impact="high")
    say("bo", version)
    assert "already reviewed" in say("bo", version)[1]
    assert (state(version), Review.objects.count()) == (states.IN_REVIEW, 1)
    assert seats.standing(version).open == [["red-teamer", "reviewer"]]


def test_a_red_teamer_has_no_seat_where_less_hangs_on_it(say):
    version = in_review()
    for verdict in ("approve", "refuse", "changes"):
        assert "No seat of constitution:house@1 is for rhea" in say("rhea", version, verdict)[1]
    assert (state(version), Review.objects.count()) == (states.IN_REVIEW, 0)
    say("rhea", version, "dissent")
    say("ravi", version)
    assert state(version) == states.APPROVED


def test_groups_count_as_they_were(say, cast):
    version = in_review(impact="high")
    say("ravi", version)
    set_groups(cast.ravi.account, ["auditor"], actor=cast.actor("root"))
    say("rhea", version)
    assert state(version) == states.APPROVED


def test_a_closed_account_approves_nothing(say, cast):
    version = in_review()
    deactivate(cast.ravi.account, actor=cast.actor("root"))
    assert say("ravi", version)[0] in (302, 401, 403)
    assert (state(version), Review.objects.count()) == (states.IN_REVIEW, 0)
    with pytest.raises(registry.Refused, match="none of the groups"):
        actions.approve(version, digest=version.digest, reason="So.", actor=RAVI)


def test_an_approval_does_not_pass_to_another_digest(say):
    first = in_review(impact="high")
    say("ravi", first)
    second = in_review(content={**CONSTITUTION, "preamble": "Newer."})
    assert "read it again" in say("rhea", second, digest=first.digest)[1]
    assert seats.standing(second).filled == {}
    assert state(second) == states.IN_REVIEW


@pytest.mark.parametrize("after", ["approved", "revoked", "refused"])
def test_what_is_decided_is_not_approved_again(say, after):
    version = in_review()
    if after == "approved":
        actions.approve(version, digest=version.digest, reason="Good.", actor=RAVI)
    elif after == "refused":
        actions.refuse(version, digest=version.digest, reason="Bad.", actor=RAVI)
    else:
        registry.revoke(version, reason="Wrong.", actor=RAVI)
    before = Entry.objects.count()
    assert f"is {after}, not in review" in say("rosa", version)[1]
    assert (state(version), Entry.objects.count()) == (after, before)


def test_who_edited_a_draft_once_never_approves_it(say, cast):
    """A second edit by somebody else, and a submission by a third, take no author away."""
    draft = registry.save_draft("constitution", "house", {"title": "Mine"}, actor=RAVI)
    registry.edit_draft(draft, CONSTITUTION, actor=POLLY)
    version = actions.submit(draft, actor=MARA)
    assert version.authors == ["mara", "polly", "ravi"]
    assert "somebody else must review" in say("ravi", version)[1]
    say("rosa", version)
    assert state(version) == states.APPROVED


def test_a_field_that_is_not_asked_for_is_refused_over_the_api(cast):
    version = in_review()
    for field in ("state", "groups", "reviewer", "verdict", "authors"):
        sent = {"digest": version.digest, "reason": "Read it.", field: "ravi"}
        status, told = over_api(cast.ravi, version, "approve", sent)
        assert (status, "There is no such field" in told) == (400, True)
    assert (state(version), Review.objects.count()) == (states.IN_REVIEW, 0)


def test_a_field_that_is_not_asked_for_means_nothing_on_the_page(cast):
    version = in_review(impact="high")
    sent = {
        "digest": version.digest,
        "reason": "Read it.",
        "groups": "red-teamer",
        "reviewer": "rosa",
        "state": "approved",
    }
    by_page(cast.ravi, version, "approve", sent)
    review = Review.objects.get()
    assert (review.reviewer, review.groups, state(version)) == ("ravi", ["reviewer"], states.IN_REVIEW)


def test_a_very_long_reason_is_refused(say):
    version = in_review()
    for verdict in ("approve", "refuse", "changes", "dissent"):
        status, told = say("ravi", version, verdict, reason="x" * 10_001)
        assert "10,000" in told or "10000" in told
        assert status in (302, 400, 409)
    assert not Review.objects.exists()


def test_no_command_approves():
    assert not {"approve", "refuse", "review", "dissent", "signoff"} & set(get_commands())


def test_a_release_says_by_itself_how_much_hangs_on_it(tmp_path):
    world = build(tmp_path)
    release = released(world, use_tier="high")
    found = seats.standing(release)
    assert (found.impact, [sorted(place) for place in found.places]) == (
        "high",
        [["reviewer"], ["red-teamer", "reviewer"]],
    )
    assert seats.standing(released(world, slug="small")).impact == "low"
    with pytest.raises(registry.Refused, match="use_tier"):
        set_impact(release.artifact, "low", reason="Less.", actor=RAVI)


def test_seats_that_are_full_let_one_more_person_decide(cast, settings, tmp_path):
    """Less is demanded than when they approved."""
    path = tmp_path / "more.yaml"
    one = "[{groups: [reviewer], people: 1}]"
    path.write_text(
        f"impact: low\nseats: {{low: [{{groups: [reviewer], people: 2}}], medium: {one}, high: {one}}}"
    )
    settings.CHARTER_REVIEW_REQUIREMENTS = str(path)
    version = in_review()
    actions.approve(version, digest=version.digest, reason="Good.", actor=RAVI)
    assert state(version) == states.IN_REVIEW
    settings.CHARTER_REVIEW_REQUIREMENTS = ""
    assert seats.standing(version).is_full
    actions.approve(version, digest=version.digest, reason="Good.", actor=cast.actor("rosa"))
    assert state(version) == states.APPROVED
