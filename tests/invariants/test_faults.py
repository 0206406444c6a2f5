"""Whichever append fails inside an action, before it persists or after: nothing is half written, and a repeat succeeds."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from governance.ledger import audit, auditable
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people import actions as people
from governance.registry import actions as registry
from governance.registry import lookup
from governance.registry.models import Activity, Production, Reference, Usage, Version
from governance.reviews import actions as reviews
from tests.builders import ADA, CONSTITUTION, POLLY, RAVI, constitution
from tests.cast import gather
from tests.releases.world import build
from tests.training import faking
from training import actions as training
from training import states, supervisor
from training.launchers import local
from training.models import Lease, Run

NEWER = {**CONSTITUTION, "preamble": "Newer."}
MODULES = (people, registry, reviews, training)
MOST_APPENDS = 10


class Died(Exception):
    """Stands for any end of an append."""


class Failing:
    """Stands in for `append` everywhere: the call number `nth` fails, before it writes or after."""

    def __init__(self, patch: pytest.MonkeyPatch, nth: int, *, after: bool, error: Exception) -> None:
        self.real, self.nth, self.after, self.error = registry.append, nth, after, error
        self.calls = 0
        for module in MODULES:
            patch.setattr(module, "append", self)

    def __call__(self, *args: Any, **kwargs: Any) -> Entry:
        self.calls += 1
        if self.calls == self.nth and not self.after:
            raise self.error
        entry = self.real(*args, **kwargs)
        if self.calls == self.nth:
            raise self.error
        return entry


def everything_stored() -> dict[str, list[tuple]]:
    models = [*auditable.registered(), Entry, Lease, Usage, Production, Reference]
    return {model.__name__: list(model._base_manager.order_by("pk").values_list()) for model in models}


def register() -> None:
    registry.register("constitution", "garden", CONSTITUTION, actor=POLLY)


def submit() -> None:
    reviews.submit(lookup.find("constitution:house@3", drafts=True), actor=POLLY)


def approve() -> None:
    version = lookup.find("constitution:house@2")
    reviews.approve(version, digest=str(version.digest), reason="Better.", actor=RAVI)


def refuse() -> None:
    version = lookup.find("constitution:house@2")
    reviews.refuse(version, digest=str(version.digest), reason="Worse.", actor=RAVI)


def request_changes() -> None:
    version = lookup.find("constitution:garden-rules@1")
    reviews.request_changes(version, digest=str(version.digest), reason="Say why.", actor=RAVI)


def queue() -> None:
    training.queue(faking.spec(), actor=ADA)


def create_person() -> None:
    people.create_person("zoe", handle="zoe", actor=ADA)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("act", "appends"),
    [
        (register, 4),
        (submit, 1),
        (approve, 3),
        (refuse, 2),
        (request_changes, 3),
        (queue, 1),
        (create_person, 1),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_an_action_writes_all_or_nothing(committed_db, tmp_path, act: Callable[[], None], appends, after):
    faking.install()
    build(tmp_path)
    reviews.submit(constitution(content=NEWER), actor=POLLY)
    reviews.submit(constitution("garden-rules"), actor=POLLY)
    registry.save_draft("constitution", "house", {**CONSTITUTION, "preamble": "Newest."}, actor=POLLY)
    before = everything_stored()
    for nth in range(1, appends + 1):
        with pytest.MonkeyPatch.context() as patch:
            failing = Failing(patch, nth, after=after, error=Died())
            with pytest.raises(Died):
                act()
        assert failing.calls == nth
        assert everything_stored() == before
    with pytest.MonkeyPatch.context() as patch:
        counting = Failing(patch, MOST_APPENDS, after=after, error=Died())
        act()
    assert counting.calls == appends
    settle()
    assert audit.run().problems == []


@pytest.fixture
def finished(committed_db, tmp_path, monkeypatch) -> Run:
    """A queued run, whose job will succeed."""
    monkeypatch.setattr(local, "RUNNER", faking.FAST_RUNNER)
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.05)
    gather()
    return faking.queued(tmp_path)


def while_sealing(patch: pytest.MonkeyPatch, nth: int, *, after: bool, error: Exception) -> None:
    """From the moment on in which the outputs have been stored, the append number `nth` fails."""
    keep = supervisor.store.keep_outputs

    def then_fail(*args: Any) -> str:
        Failing(patch, nth, after=after, error=error)
        return keep(*args)

    patch.setattr(supervisor.store, "keep_outputs", then_fail)


SEALING = ["the artifact", "the version", "the end of the activity", "the end of the run"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", range(1, len(SEALING) + 1), ids=SEALING)
def test_a_fault_while_a_run_is_sealed_fails_it_without_a_product(finished, nth, after):
    with pytest.MonkeyPatch.context() as patch:
        while_sealing(patch, nth, after=after, error=Died("no luck"))
        supervisor.execute(finished.id, "worker")
    run = faking.fresh(finished)
    assert (run.state, run.failure_class) == (states.FAILED, "bug")
    assert run.activity.state == Activity.FAILED
    assert not Version.objects.filter(artifact__slug="tuned").exists()
    assert not Production.objects.filter(activity=run.activity).exists()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", range(1, len(SEALING) + 1), ids=SEALING)
def test_a_database_that_breaks_while_a_run_is_sealed_costs_only_a_second_try(finished, nth, after):
    with pytest.MonkeyPatch.context() as patch:
        while_sealing(patch, nth, after=after, error=OperationalError("disk I/O error"))
        with pytest.raises(OperationalError):
            supervisor.execute(finished.id, "worker")
    assert faking.fresh(finished).state == states.RUNNING
    assert not Version.objects.filter(artifact__slug="tuned").exists()
    Lease.objects.update(heartbeat_at=None)
    assert supervisor.execute(finished.id, "next")
    run = faking.fresh(finished)
    assert (run.state, run.activity.state) == (states.SUCCEEDED, Activity.ENDED)
    assert Version.objects.filter(artifact__slug="tuned").count() == 1
    assert Production.objects.filter(activity=run.activity).count() == 1
