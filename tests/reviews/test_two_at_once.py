"""Two people approve at the same moment: both count, once, and the version is approved by the second."""

import pytest

from governance.ledger import audit, keys
from governance.ledger.actors import Actor
from governance.ledger.append import Stale
from governance.ledger.settle import settle
from governance.people.actions import create_person
from governance.registry import lookup, states
from governance.registry.actions import Refused
from governance.reviews import actions, seats
from governance.reviews.comments import comment, resolve
from governance.reviews.models import Comment, Review
from tests.builders import ADA, POLLY, RAVI
from tests.cast import gather
from tests.invariants.test_races import at_once
from tests.reviews.conftest import in_review


@pytest.fixture(autouse=True)
def world(committed_db):
    keys.generate()
    gather()
    create_person("rhea", handle="rhea", groups=["red-teamer"], actor=Actor.system("test"))
    create_person("rufus", handle="rufus", groups=["red-teamer"], actor=Actor.system("test"))
    yield
    settle()
    assert audit.run().problems == []


def approval(version, name):
    found = lookup.find(version.subject)
    return lambda: actions.approve(found, digest=str(found.digest), reason="Good.", actor=Actor.person(name))


@pytest.mark.parametrize("pair", [("ravi", "rhea"), ("rhea", "ravi"), ("ravi", "rosa")])
def test_both_approvals_count(pair):
    version = in_review(impact="high")
    outcomes = at_once(*[approval(version, name) for name in pair])
    assert all(isinstance(outcome, Review) for outcome in outcomes), outcomes
    assert lookup.find(version.subject).state == states.APPROVED
    assert set(seats.standing(version).filled.values()) == set(pair)


def test_one_seat_is_taken_once():
    version = in_review(impact="high")
    outcomes = at_once(approval(version, "rhea"), approval(version, "rufus"))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refused", "Review"], outcomes
    assert lookup.find(version.subject).state == states.IN_REVIEW


def test_the_same_person_twice_counts_once():
    version = in_review(impact="high")
    outcomes = at_once(*[approval(version, "ravi")] * 3)
    assert sum(isinstance(outcome, Review) for outcome in outcomes) == Review.objects.count() == 1
    assert lookup.find(version.subject).state == states.IN_REVIEW


def test_three_for_two_seats():
    version = in_review(impact="high")
    outcomes = at_once(*[approval(version, name) for name in ("ravi", "rosa", "rhea")])
    assert sum(isinstance(outcome, Review) for outcome in outcomes) == 2
    assert all(isinstance(outcome, Review | Refused | Stale) for outcome in outcomes), outcomes
    assert lookup.find(version.subject).state == states.APPROVED


def test_an_approval_meets_a_request_for_changes():
    version = in_review()
    found = lookup.find(version.subject)
    change = {"digest": str(found.digest), "reason": "Say why.", "actor": RAVI}
    outcomes = at_once(approval(version, "rosa"), lambda: actions.request_changes(found, **change))
    assert sum(isinstance(outcome, Review) for outcome in outcomes) == Review.objects.count() == 1, outcomes


def test_a_comment_is_settled_once():
    said = comment(in_review(), text="Why?", actor=ADA)
    first, second = (Comment.objects.select_related("version").get(pk=said.pk) for _ in range(2))
    outcomes = at_once(lambda: resolve(first, actor=ADA), lambda: resolve(second, actor=POLLY))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Comment", "Stale"], outcomes
