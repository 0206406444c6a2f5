"""Two at once: no pair is counted twice, no place is given twice, and a study closes with what it counted."""

import pytest

from evals.human import actions, rating
from evals.models import Assignment, Judgement, Rater, Study
from governance.ledger import audit
from governance.ledger.settle import settle
from governance.registry.actions import Refused
from governance.registry.models import Activity
from tests.builders import ADA, RAVI
from tests.evals.human import studies
from tests.evals.human.studies import best
from tests.invariants.test_races import at_once

NAMES = ("ravi", "eno", "polly", "rosa")


@pytest.fixture
def world(committed_db, tmp_path):
    yield studies.build(tmp_path)
    settle()
    assert audit.run().problems == []


def test_raters_who_ask_at_once_get_places_of_their_own(world):
    study = world.open(needed=1, items=3)
    users = [world.cast.users[name] for name in NAMES]
    at_once(*[lambda user=user: rating.join(study, user) for user in users])
    assert sorted(Rater.objects.values_list("number", flat=True)) == [1, 2, 3, 4]
    found = at_once(*[lambda user=user: rating.take(study, user) for user in users])
    assert sorted(pair is None for pair in found) == [False, False, False, True], found
    assert Assignment.objects.values("item").distinct().count() == 3


def test_one_judgement_that_is_sent_twice_at_once_counts_once(world):
    study, ravi = world.open(), world.cast.ravi
    rating.join(study, ravi)
    token = rating.take(study, ravi).token
    outcomes = at_once(*[lambda: rating.judge(study, ravi, token=token, choice="first")] * 3)
    assert sorted(isinstance(one, Judgement) for one in outcomes) == [False, False, True], outcomes
    assert {type(one) for one in outcomes} == {Judgement, Refused}
    assert Judgement.objects.count() == 1


def test_two_raters_of_the_last_place(world):
    study = world.open(needed=1, items=2)
    ravi, eno = world.cast.ravi, world.cast.eno
    world.rate(study, "ravi", best, best)
    for user in (ravi, eno):
        rating.join(study, user)
    assert at_once(lambda: rating.take(study, ravi), lambda: rating.take(study, eno)) == [None, None]
    assert Judgement.objects.count() == 2


def test_a_study_that_two_close_while_somebody_judges(world):
    study, eno = world.open(), world.cast.eno
    world.rate(study, "ravi", best)
    rating.join(study, eno)
    token = rating.take(study, eno).token
    outcomes = at_once(
        lambda: actions.close(study, reason="Now.", actor=ADA),
        lambda: actions.close(study, reason="Now.", actor=RAVI),
        lambda: rating.judge(study, eno, token=token, choice="tie"),
    )
    assert all(isinstance(one, Study | Judgement | Refused) for one in outcomes), outcomes
    assert sum(isinstance(one, Study) for one in outcomes) == 1
    assert Activity.objects.get(kind=actions.KIND).summary["judgements"] == Judgement.objects.count()
