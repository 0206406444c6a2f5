"""The first page names the studies in which somebody has something left to rate, and no other."""

import re

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evals.human import actions, rating
from evals.human.plan import plan_of
from governance.ledger.append import append
from governance.registry import actions as registry
from governance.registry.models import Version
from tests.builders import ADA
from tests.evals.human.studies import best
from training.events import TrainingEvent
from training.models import Run

TITLE = "Comparisons that wait for you"
LEFT = re.compile(r"(\d+) pairs? left for you")


@pytest.fixture
def home(world):
    """The first page of somebody."""

    def page(name: str) -> str:
        client = Client()
        client.force_login(world.cast.users[name])
        response = client.get("/")
        assert response.status_code == 200
        return response.content.decode()

    return page


def test_whoever_has_pairs_left_finds_the_study_until_none_is_left(world, home):
    assert TITLE not in home("ravi")
    study = world.open()
    assert f'href="/evaluations/human/{study.pk}/"' in home("ravi")
    assert LEFT.findall(home("ravi")) == ["6"]
    assert "tuned" not in home("ravi").partition(TITLE)[2].partition("</section>")[0]
    world.rate(study, "ravi", best, best)
    shown = home("ravi")
    assert LEFT.findall(shown) == ["4"]
    assert f'href="/evaluations/human/{study.pk}/rate/"' in shown
    world.rate(study, "ravi", best)
    assert TITLE not in home("ravi")
    assert LEFT.findall(home("polly")) == ["6"]
    world.rate(study, "eno", best)
    assert TITLE not in home("polly"), "every pair has its two ratings"


def test_it_says_nothing_to_whoever_may_not_rate(world, home):
    world.open()
    for name, why in (("ada", "opened it"), ("axel", "is an auditor"), ("otto", "has no group")):
        assert TITLE not in home(name), f"{name} {why}"


def test_whoever_made_a_model_or_asked_for_its_run_is_not_asked(world, home):
    actions.open_study(plan_of(world.cast.ravi, **world.names, seed=8), actor=world.cast.actor("ravi"))
    assert TITLE in home("eno")
    assert TITLE not in home("ada"), "ada registered both models"
    made = Version.objects.get(artifact__slug="tuned").productions.get().activity
    run = Run(
        label="A run", stage="fake", spec={"stage": "fake", "seed": 1}, spec_digest="0" * 64, activity=made,
        requested_by="eno", created_at=timezone.now(),
    )  # fmt: skip
    with transaction.atomic():
        append(run, op=TrainingEvent.QUEUED, actor=ADA)
    assert TITLE not in home("eno")


def test_a_closed_study_and_a_full_pool_wait_for_nobody(world, home):
    small = registry.register("annotator-pool", "small", {"title": "Small", "workers": 1}, actor=ADA)
    study = world.open(pool=small.subject, needed=1)
    rating.join(study, world.cast.ravi)
    assert TITLE in home("ravi")
    assert TITLE not in home("eno")
    actions.cancel(study, reason="Not needed.", actor=ADA)
    assert TITLE not in home("ravi")


def test_it_costs_the_same_for_many_studies(world, home):
    def cost() -> int:
        with CaptureQueriesContext(connection) as found:
            home("ravi")
        return len(found)

    world.rate(world.open(items=2), "ravi", best, best)
    world.open(items=3)
    home("ravi")
    few = cost()
    for seed in range(12):
        world.open(seed=seed)
    assert cost() == few
    assert "3 more" in home("ravi")
