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


def forged(size: int) -> str:
    """A checkpoint of another tree, signed with the log's own key."""
    return sign_note(TreeHead(keys.signer().name, size, OTHER_ROOT).text, keys.signer())


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


def show_two_notes(seen: checks.Seen) -> None:
    seen.notes[9] += "— wendy.example AAAA\n"


def publish_another_note(seen: checks.Seen) -> None:
    execute("UPDATE ledger_checkpoint SET note = %s WHERE size = %s", forged(9), 9)


def sign_what_is_not_stored(seen: checks.Seen) -> None:
    keys.replace(signer.memory_path(), forged(50))


def raise_a_false_alarm(seen: checks.Seen) -> None:
    Alarm.objects.create(source="witness wendy", sentence="wendy saw another history")


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lose_an_entry, "10 entries are signed, but the stored ones are {'all': 9, 'placed': 9, 'top': 8}"),
        (lose_a_row, ": 1 entries up to revision 1, its row is at None"),
        (skip_a_revision, ": 1 entries up to revision 2, its row is at 2"),
        (move_a_row_without_an_entry, ": 1 entries up to revision 1, its row is at None"),
        (leave_a_gap, "10 entries are signed, but the stored ones are {'all': 10, 'placed': 10, 'top': 11}"),
        (show_another_past, "a fork: the checkpoint at 9 does not extend the one at 9"),
        (shrink, "the log shrank from 99 to 9"),
        (show_two_notes, "two notes at 9"),
        (publish_another_note, "is published with another note than the signer remembers"),
        (sign_what_is_not_stored, "the signer remembers a head at 50 that the stored tree does not have"),
        (raise_a_false_alarm, "a false alarm: witness wendy: wendy saw another history"),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_whatever_breaks_is_told(seen, break_it: Callable[[checks.Seen], None], sentence: str):
    break_it(seen)
    told = list(checks.problems(seen))
    assert any(sentence in one for one in told), told


def test_a_signer_that_refuses_is_told_with_what_was_found_before(seen):
    sign_what_is_not_stored(seen)
    *before, refusal = checks.problems(seen)
    assert len(before) == 1
    assert refusal.startswith("the signer refuses: the tree shrank from 50 to 9 entries")


def test_a_checkpoint_that_went_away_is_told(seen):
    oldest = min(seen.notes)
    execute("DELETE FROM ledger_checkpoint WHERE size = %s", oldest)
    assert list(checks.forgotten(seen)) == [f"the checkpoint at {oldest} is not what was seen"]


def test_a_checkpoint_of_another_tree_is_told(seen):
    oldest = min(seen.notes)
    seen.notes[oldest] = forged(oldest)
    execute("UPDATE ledger_checkpoint SET note = %s WHERE size = %s", forged(oldest), oldest)
    assert list(checks.forgotten(seen)) == [f"the checkpoint at {oldest} does not hold any more"]


def test_a_witness_that_saw_something_else_is_told(seen, tmp_path: Path):
    wendy = SignerKey.generate("wendy.example", COSIGNATURE)
    memory = Memory(tmp_path, wendy, [keys.policy()], lambda: 0)
    memory.add_checkpoint(Extension(0, [], forged(9)))
    assert list(checks.problems(seen, [memory])) == [
        "wendy.example remembers a head at 9 that the stored tree does not have",
        f"not every witness cosigns {Checkpoint.objects.latest('size')}",
        "wendy.example does not remember the newest head",
    ]
