"""What cannot be compared: refused with the field and the rule, over every door, and nothing is kept."""

from collections.abc import Callable

import pytest

from evals.harness.results import jsonl
from evals.human import actions, pairs
from evals.models import Study
from evals.records import StoredItems
from governance.ledger.models import Entry
from governance.registry import actions as registry
from governance.registry import blobs
from governance.registry.models import Activity, Blob
from tests import builders
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, RAVI
from tests.evals.human.studies import GUIDELINE, World
from tests.evals.human.test_api import api
from tests.evals.recorded import evaluated, suite

__all__ = ["api"]

Wrong = Callable[[World], dict[str, object]]
"""Prepares the world and says what is asked for instead."""


def another(world: World, scores: dict[str, list[int]], **changes: object) -> Activity:
    return evaluated(world.base, world.suite, world.folder, scores, **changes)


def fewer_items(world: World) -> dict[str, object]:
    return {"a": str(world.good.pk), "b": str(another(world, {"sums": [0] * 3}).pk)}


def no_answers(world: World) -> dict[str, object]:
    activity = altered(world, lambda row: {**row, "response": None})
    return {"a": str(world.good.pk), "b": str(activity.pk)}


def other_items(world: World) -> dict[str, object]:
    activity = altered(world, lambda row: {**row, "item_hash": "0" * 64})
    return {"a": str(world.good.pk), "b": str(activity.pk)}


def twice(world: World) -> dict[str, object]:
    activity = altered(world, lambda row: {**row, "item": "s0000"})
    return {"a": str(world.good.pk), "b": str(activity.pk)}


def altered(world: World, change: Callable[[dict[str, object]], dict[str, object]]) -> Activity:
    """An evaluation of base whose items are those of the poor one, each changed."""
    rows = [change(row) for row in StoredItems(world.poor.summary["items_sha256"])]
    summary = {**world.poor.summary, "items_sha256": blobs.put_bytes(jsonl(rows)).sha256}
    used = [("evaluated", world.base), ("evaluated_on", world.suite)]
    begun = registry.start_activity("evaluation", "Another", used, summary={}, actor=ADA)
    return registry.end_activity(begun, state=Activity.ENDED, summary=summary, actor=ADA)


def other_suite(world: World) -> dict[str, object]:
    other = suite(world.folder, "others", items=6)
    found = evaluated(world.base, other, world.folder, {"sums": [0] * 6, "harm": [1] * 6})
    return {"a": str(world.good.pk), "b": str(found.pk)}


def revoked(world: World) -> dict[str, object]:
    registry.revoke(world.base, reason="Wrong.", actor=RAVI)
    return {}


def unmeasured(world: World) -> dict[str, object]:
    return {"b": builders.model(world.folder, "new", tensors={"a": [7.0]}).subject}


def nobody(world: World) -> dict[str, object]:
    return {"pool": registry.register("annotator-pool", "empty", {"title": "Empty"}, actor=ADA).subject}


def too_few(world: World) -> dict[str, object]:
    content = {"title": "One", "workers": 1}
    return {"pool": registry.register("annotator-pool", "one", content, actor=ADA).subject}


def for_rating(world: World) -> dict[str, object]:
    return {
        "guideline": registry.register(
            "guideline", "rate", {**GUIDELINE, "task": "rating"}, actor=ADA
        ).subject
    }


FIELDS: dict[str, tuple[Wrong, str, str]] = {
    "revoked": (revoked, "a", "is revoked"),
    "other suite": (other_suite, "a", "One was evaluated on"),
    "same model": (lambda world: {"b": world.tuned.subject}, "a", "compares two models"),
    "one of each": (lambda world: {"b": str(world.poor.pk)}, "a", "not one of each"),
    "unknown": (lambda _: {"b": "model:none"}, "b", "There is no 'model:none'"),
    "another kind": (lambda world: {"a": world.suite.subject}, "a", "kind model is wanted"),
    "no such evaluation": (lambda _: {"a": "00000000-0000-4000-8000-000000000000"}, "a", "no evaluation"),
    "not evaluated": (unmeasured, "a", "has no evaluation"),
    "pool without people": (nobody, "pool", "does not say how many people"),
    "too few people": (too_few, "pool", "has 1 people, and each item needs 2"),
    "no such groups": (lambda _: {"dimension": "age"}, "dimension", "it has country"),
    "guideline for rating": (for_rating, "guideline", "is for rating"),
    "margin": (lambda _: {"margin": "0.5"}, "margin", "from 0.01 to below 0.5"),
    "no margin": (lambda _: {"margin": "much"}, "margin", "from 0.01 to below 0.5"),
}
WHOLE: dict[str, tuple[Wrong, str]] = {
    "fewer items": (fewer_items, "3 stand in one of them only"),
    "no answers": (no_answers, "is not recorded on both sides"),
    "other items": (other_items, "is not the same item"),
    "items twice": (twice, "more than once"),
    "no such task": (lambda _: {"task": "none"}, "no items of the task none"),
    "too many to draw": (lambda _: {"items": 7}, "There are 6 items to draw from"),
}


def kept() -> tuple[int, int, int]:
    return Study.objects.count(), Entry.objects.count(), Blob.objects.count()


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_at_fault_is_named(world, api, name):
    wrong, field, rule = FIELDS[name]
    given = {**world.names, "needed": 2, **wrong(world)}
    before = kept()
    told = problem(api("ada").post(f"{V1}/studies/", given, format="json"), 422)
    assert field in fields(told)
    assert rule in told["detail"]
    assert kept() == before


@pytest.mark.parametrize("name", WHOLE)
def test_evaluations_that_do_not_fit_are_refused(world, api, name):
    wrong, rule = WHOLE[name]
    given = {**world.names, "needed": 2, **wrong(world)}
    before = kept()
    assert rule in problem(api("ada").post(f"{V1}/studies/", given, format="json"), 409)["detail"]
    assert kept() == before


def test_what_is_too_large_is_refused(world, api, monkeypatch):
    monkeypatch.setattr(pairs, "MOST_ITEMS", 4)
    told = problem(api("ada").post(f"{V1}/studies/", world.names, format="json"), 409)
    assert "say how many to draw" in told["detail"]
    monkeypatch.setattr(pairs, "MOST_BYTES", 100)
    told = problem(api("ada").post(f"{V1}/studies/", {**world.names, "items": 3}, format="json"), 409)
    assert "draw fewer items" in told["detail"]
    assert Study.objects.count() == 0


def test_a_restricted_suite_is_not_for_everybody(world, api):
    secret = registry.register("eval-suite", "secret", world.suite.content, restricted=True, actor=ADA)
    one, other = (
        evaluated(model, secret, world.folder, {"sums": [score] * 6}) for model, score in ((world.tuned, 1), (world.base, 0))
    )  # fmt: skip
    given = {**world.names, "a": str(one.pk), "b": str(other.pk)}
    problem(api("eno").post(f"{V1}/studies/", given, format="json"), 403)
    assert api("ada").post(f"{V1}/studies/", given, format="json").status_code == 201


def test_results_on_a_restricted_suite_are_for_its_readers(world, api):
    secret = registry.register("eval-suite", "secret", world.suite.content, restricted=True, actor=ADA)
    one, other = (
        evaluated(model, secret, world.folder, {"sums": [score] * 6}) for model, score in ((world.tuned, 1), (world.base, 0))
    )  # fmt: skip
    study = world.open(a=str(one.pk), b=str(other.pk))
    world.rate(study, "ravi", lambda shown: "first")
    actions.close(study, reason="Enough.", actor=ADA)
    place, page = f"{V1}/studies/{study.pk}/", f"/evaluations/human/{study.pk}/"
    assert api("ravi").get(place).json()["results"]["judgements"] == 6
    assert "Share of wins" in api("ravi").get(page).content.decode()
    assert "Compared by people" in api("ravi").get("/versions/model:tuned@1/").content.decode()
    assert api("otto").get(place).json()["results"] is None
    assert "for those who may read both models and the suite" in api("otto").get(page).content.decode()
    assert "Compared by people" not in api("otto").get("/versions/model:tuned@1/").content.decode()
    problem(api("otto").get(f"{place}judgements/"), 403)
    assert api("ravi").get(f"{place}judgements/").status_code == 200
