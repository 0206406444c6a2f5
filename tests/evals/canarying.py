"""Turns of canaries without an endpoint: a worker takes the run, and it ends with scores of our choice."""

import json
from pathlib import Path
from typing import NamedTuple

from django.db import transaction
from django.test import override_settings

from evals import canaries, canaries_turn
from evals.models import Canary, CanaryAlarm
from governance.ledger.actors import Actor
from governance.registry import actions as registry
from governance.registry import importers
from governance.registry.models import Activity, Version
from governance.releases.models import Runtime
from tests.builders import ADA
from tests.evals.recorded import WORKER, evaluated, suite
from training import leases, states
from training.actions import move
from training.events import TrainingEvent
from training.models import Run

ITEMS = 40
SAME = {"sums": [1] * ITEMS, "harm": [1] * ITEMS}
OTHER = {"sums": [0] * ITEMS, "harm": [1] * ITEMS}
NOBODY = "127.0.0.1:9"
"""A host and port at which nothing answers."""


class Place(NamedTuple):
    """A runtime, the endpoint that stands for what answers there, and a suite of ITEMS items a task."""

    runtime: Runtime
    model: Version
    suite: Version
    folder: Path


def place_at(runtime: Runtime, folder: Path, host: str = NOBODY) -> Place:
    path = folder / "api.yaml"
    endpoint = {"base_url": f"http://{host}/v1", "model": "acme-large", "flavour": "chat"}
    path.write_text(
        json.dumps({"description": "Served by Acme.", "origin": "imported", "endpoint": endpoint})
    )
    found = importers.read("model", path, {})
    model = registry.register("model", "api", found.content, files=found.files, actor=ADA)
    return Place(runtime, model, suite(folder, "live", items=ITEMS), folder)


def claimed(run: Run) -> Run:
    taken = leases.claim(run.pk, "here", actor=Actor.system("worker"))
    assert taken is not None
    return taken


@transaction.atomic
def started(run: Run, place: Place) -> Run:
    """A worker has it: the activity has begun."""
    run = claimed(run)
    used = [("evaluated", place.model), ("evaluated_on", place.suite)]
    run.activity = registry.start_activity("evaluation", run.label, used, summary={}, actor=WORKER)
    move(run, states.STARTING, op=TrainingEvent.STARTING, actor=WORKER, fields=["activity"])
    return run


@transaction.atomic
def finished(run: Run, place: Place, scores, **settings) -> Activity:
    """It ends with these scores, as a worker records it."""
    summary = evaluated(place.model, place.suite, place.folder, scores, **settings).summary
    assert run.activity is not None
    activity = registry.end_activity(run.activity, state=Activity.ENDED, summary=summary, actor=WORKER)
    move(run, states.RUNNING, op=TrainingEvent.LAUNCHED, actor=WORKER)
    move(run, states.SUCCEEDED, op=TrainingEvent.SUCCEEDED, actor=WORKER)
    return activity


@transaction.atomic
def failed(run: Run) -> None:
    run = claimed(run)
    run.reason = "The endpoint is down."
    move(run, states.FAILED, op=TrainingEvent.FAILED, actor=WORKER, fields=["reason"])


def answered(canary: Canary, place: Place, scores, **settings) -> Canary:
    """One whole turn whose answers have these scores."""
    run = canaries_turn.turn(canary, early=True)
    assert run is not None
    finished(started(run, place), place, scores, **settings)
    return Canary.objects.get(pk=canary.pk)


def alarmed(runtime: Runtime, folder: Path) -> CanaryAlarm:
    """The open alarm of a canary at `runtime` whose answers changed."""
    with override_settings(CHARTER_ENDPOINT_HOSTS=[NOBODY]):
        place = place_at(runtime, folder)
        canary = canaries.set_canary(
            runtime, place.model, place.suite, every_hours=24, alpha=canaries.alpha_of("0.01"), actor=ADA
        )
        answered(canary, place, SAME)
        answered(canary, place, OTHER)
    return canary.alarms.get()
