"""The torture's own checks: on a log that is whole they say nothing, and of each way in which it can be broken they tell."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from governance.ledger import keys, signer, triggers
from governance.ledger.models import Alarm, Checkpoint
from governance.ledger.note import COSIGNATURE, TreeHead
from governance.ledger.proof import Extension
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey, sign_note
from governance.ledger.witness.memory import Memory
from tests.ledger.world import execute, make
from tests.torture import checks

OTHER_ROOT = bytes(32)


@pytest.fixture
def seen(committed_db) -> checks.Seen:
    """An onlooker who has seen three checkpoints of a log, whose guards then fell."""
    keys.generate()
    found = checks.Seen()
    for number in range(3):
        for place in range(3):
            make(f"rules-{number}-{place}")
        assert list(checks.problems(found)) == []
    assert list(checks.forgotten(found)) == []
    assert len(found.notes) == 3
    triggers.remove(connection)
    return found


def test_a_log_that_goes_on_is_whole(seen):
    make("one-more")
    assert list(checks.problems(seen)) == []
    assert list(checks.forgotten(seen)) == []


def lose_an_entry(seen: checks.Seen) -> None:
    make("late")
    settle()
    with connection.constraint_checks_disabled():
        execute("DELETE FROM registry_artifact WHERE slug = 'late'")
        execute("DELETE FROM ledger_entry WHERE leaf_index = 9")


def lose_a_row(seen: checks.Seen) -> None:
    make("late")
    execute("DELETE FROM registry_artifact WHERE slug = 'late'")


def skip_a_revision(seen: checks.Seen) -> None:
    make("late")
    execute("UPDATE ledger_entry SET rev = 2 WHERE leaf_index IS NULL")
    execute("UPDATE registry_artifact SET ledger_rev = 2 WHERE slug = 'late'")


def move_a_row_without_an_entry(seen: checks.Seen) -> None:
    make("late")
    execute("UPDATE registry_artifact SET ledger_rev = 2 WHERE slug = 'late'")


def leave_a_gap(seen: checks.Seen) -> None:
    make("late")
    settle()
    execute("UPDATE ledger_entry SET leaf_index = 11 WHERE leaf_index = 9")


def show_another_past(seen: checks.Seen) -> None:
    assert seen.newest
    seen.newest = replace(seen.newest, root=OTHER_ROOT)


def shrink(seen: checks.Seen) -> None:
    assert seen.newest
    seen.newest = replace(seen.newest, size=99)


def publish_another_note(seen: checks.Seen) -> None:
    newest = Checkpoint.objects.latest("size")
    forged = sign_note(TreeHead(keys.signer().name, newest.size, OTHER_ROOT).text, keys.signer())
    execute("UPDATE ledger_checkpoint SET note = %s WHERE size = %s", forged, newest.size)


def sign_what_is_not_stored(seen: checks.Seen) -> None:
    ahead = TreeHead(keys.signer().name, 50, OTHER_ROOT)
    keys.replace(signer.memory_path(), sign_note(ahead.text, keys.signer()))


def raise_a_false_alarm(seen: checks.Seen) -> None:
    Alarm.objects.create(source="witness wendy", sentence="wendy saw another history")


@pytest.mark.parametrize(
    "break_it",
    [
        lose_an_entry,
        lose_a_row,
        skip_a_revision,
        move_a_row_without_an_entry,
        leave_a_gap,
        show_another_past,
        shrink,
        publish_another_note,
        sign_what_is_not_stored,
        raise_a_false_alarm,
    ],
    ids=lambda way: way.__name__,
)
def test_whatever_breaks_is_told(seen, break_it: Callable[[checks.Seen], None]):
    break_it(seen)
    assert told(seen)


def told(seen: checks.Seen) -> list[str]:
    """What the checks say; or the signer, which would not go on."""
    try:
        return list(checks.problems(seen))
    except signer.Refused as refusal:
        return [str(refusal)]


def test_a_checkpoint_that_went_away_is_told(seen):
    oldest = min(seen.notes)
    execute("DELETE FROM ledger_checkpoint WHERE size = %s", oldest)
    assert list(checks.forgotten(seen)) == [f"the checkpoint at {oldest} is not what was seen"]


def test_a_witness_that_saw_something_else_is_told(seen, tmp_path: Path):
    wendy = SignerKey.generate("wendy.example", COSIGNATURE)
    memory = Memory(tmp_path, wendy, [keys.policy()], lambda: 0)
    forged = TreeHead(keys.signer().name, 9, OTHER_ROOT)
    memory.add_checkpoint(Extension(0, [], sign_note(forged.text, keys.signer())))
    told = list(checks.problems(seen, [memory]))
    assert "wendy.example remembers a head at 9 that the stored tree does not have" in told
