"""Two at once: whichever way they meet, the rules hold and the ledger explains the rows."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from governance.ledger import audit, keys, monitors
from governance.ledger.append import Stale
from governance.ledger.models import Alarm, Entry, Monitor
from governance.ledger.settle import settle
from governance.registry import actions as registry
from governance.registry import lookup, states
from governance.registry.actions import Refused
from governance.registry.models import Artifact, Version
from governance.reviews import actions as reviews
from governance.reviews.models import Review
from tests.builders import CONSTITUTION, POLLY, RAVI, constitution
from tests.cast import gather

ROUNDS = 5


@pytest.fixture(autouse=True)
def key(committed_db):
    keys.generate()
    gather()
    yield
    settle()
    assert audit.run().problems == []


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each returned or raised, called in threads that start together."""
    start, outcomes = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            outcomes.append(act())
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def in_review(slug: str, preamble: str) -> Version:
    return reviews.submit(constitution(slug, content={**CONSTITUTION, "preamble": preamble}), actor=POLLY)


def approval(version: Version) -> Callable[[], Review]:
    found = lookup.find(version.subject)
    return lambda: reviews.approve(found, digest=str(found.digest), reason="Good.", actor=RAVI)


@pytest.mark.parametrize("slug", [f"rules-{number}" for number in range(ROUNDS)])
def test_two_versions_of_one_artifact_are_approved(slug):
    first, second = in_review(slug, "First."), in_review(slug, "Second.")
    outcomes = at_once(approval(first), approval(second))
    assert all(isinstance(outcome, Review | Refused | Stale) for outcome in outcomes), outcomes
    found = sorted(lookup.find(version.subject).state for version in (first, second))
    assert found in ([states.APPROVED, states.SUPERSEDED], [states.APPROVED, states.IN_REVIEW])


@pytest.mark.parametrize("slug", [f"rules-{number}" for number in range(ROUNDS)])
def test_one_version_is_approved_and_refused(slug):
    version = in_review(slug, "Both.")
    found = lookup.find(version.subject)
    outcomes = at_once(
        approval(version),
        lambda: reviews.refuse(found, digest=str(found.digest), reason="Bad.", actor=RAVI),
    )
    assert sorted(isinstance(outcome, Review) for outcome in outcomes) == [False, True], outcomes
    assert Review.objects.count() == 1
    assert lookup.find(version.subject).state in {states.APPROVED, states.REFUSED}


@pytest.mark.parametrize("count", [2, 6])
def test_the_same_content_is_registered(count):
    outcomes = at_once(
        *[lambda: registry.register("constitution", "house", CONSTITUTION, actor=POLLY)] * count
    )
    assert {getattr(outcome, "subject", outcome) for outcome in outcomes} == {"constitution:house@1"}
    assert (Artifact.objects.count(), Version.objects.count()) == (1, 1)
    assert Entry.objects.filter(op="registry:activity:ended").count() == count


def test_different_contents_are_registered():
    contents = [{**CONSTITUTION, "preamble": f"Number {number}."} for number in range(6)]
    outcomes = at_once(
        *[
            lambda content=content: registry.register("constitution", "house", content, actor=POLLY)
            for content in contents
        ]
    )
    assert sorted(version.number for version in outcomes) == [1, 2, 3, 4, 5, 6]


def test_a_draft_is_edited_and_submitted():
    draft = registry.save_draft("constitution", "house", CONSTITUTION, actor=POLLY)
    copies = [lookup.find(draft.subject, drafts=True) for _ in range(2)]
    newer = {**CONSTITUTION, "preamble": "Newer."}
    outcomes = at_once(
        lambda: registry.edit_draft(copies[0], newer, actor=RAVI),
        lambda: reviews.submit(copies[1], actor=POLLY),
    )
    assert sorted(isinstance(outcome, Stale) for outcome in outcomes) == [False, True], outcomes
    stored = lookup.find(draft.subject, drafts=True)
    assert ("ravi" in stored.authors) == (stored.content == newer)


@pytest.mark.parametrize("name", [f"outside-{number}" for number in range(ROUNDS)])
def test_a_monitor_reports_for_the_first_time(name):
    look = monitors.Look(timezone.now(), 3, 300, ["The log forked."])
    outcomes = at_once(*[lambda: monitors.report(name, look, reporter="meg")] * 4)
    assert [str(outcome) for outcome in outcomes] == [f"monitor {name}"] * 4
    assert (Monitor.objects.count(), Alarm.objects.count()) == (1, 1)


def test_two_accounts_report_under_one_name_for_the_first_time():
    look = monitors.Look(timezone.now(), 3, 300, [])
    outcomes = at_once(
        *[lambda who=who: monitors.report("outside", look, reporter=who) for who in ("meg", "mel")]
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Monitor", "NotAccepted"], outcomes


def test_a_monitor_is_ended():
    monitors.report("outside", monitors.Look(timezone.now(), 3, 300, ["The log forked."]), reporter="meg")
    at_once(*[lambda: monitors.end("outside", reason="It moved.", actor=RAVI)] * 4)
    assert Entry.objects.filter(op="ledger:monitor:ended").count() == 1
    assert Alarm.objects.get().ending == Monitor.objects.get().ending
