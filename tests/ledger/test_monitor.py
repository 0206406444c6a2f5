"""A monitor that knows a log's policy and its address, and nothing else."""

import base64
import json
import struct
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance.ledger import keys, monitor, publish, tiles, triggers
from governance.ledger.actors import Actor
from governance.ledger.models import Checkpoint, Entry, Head
from governance.ledger.policy import Policy
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey, sign_note
from governance.ledger.tiling import integrate, root, tile_number
from governance.ledger.tree import leaf_hash
from governance.registry.actions import end_activity, start_activity
from governance.registry.models import Activity
from tests.ledger.world import execute, make, make_many, retitle

NOW = datetime.now(UTC)


def served(place: str) -> bytes:
    """As the views answer, without HTTP."""
    if place == "checkpoint":
        return publish.checkpoint().encode()
    kind, _, rest = place.removeprefix("tile/").partition("/")
    path, _, width = rest.partition(".p/")
    make_it = {"entries": publish.entries, "parts": publish.parts}[kind]
    return make_it(tile_number(path), int(width or 256))


def look(memory: monitor.Memory, now: datetime = NOW, versions=None) -> list[str]:
    return monitor.look(memory, keys.policy(), served, now, versions)


@given(st.lists(st.binary(max_size=3), max_size=70))
def test_the_frontier_gives_the_trees_root(bodies):
    memory, grown = monitor.Memory(), {}
    for body in bodies:
        memory.add(leaf_hash(body))
    size, grown = integrate(lambda *_: b"", 0, [leaf_hash(body) for body in bodies])
    assert (memory.size, memory.root()) == (size, root(lambda *at: grown[at], size))


def test_a_log_that_grows_is_followed(database):
    memory = monitor.Memory()
    with transaction.atomic():
        made = make_many(255)
    settle()
    assert look(memory) == []
    retitle(made[0], "New title")
    make_many_more(300)
    settle()
    assert look(memory) == []
    assert look(memory) == []
    assert (memory.size, memory.root().hex()) == (556, Head.objects.get().root)


def make_many_more(count: int) -> None:
    with transaction.atomic():
        for number in range(count):
            make(f"more-{number}")


def test_a_log_that_shrinks_or_forks_is_told(database):
    make_many(5)
    settle()
    memory = monitor.Memory()
    assert look(memory) == []
    key = keys.signer()
    triggers.remove(connection)
    forge([b"other %d" % number for number in range(5)], key)
    assert look(memory)[0].startswith("The log forked: its entries do not give the root")
    forge([b"other"], key)
    Checkpoint.objects.exclude(size=1).delete()
    assert look(memory) == ["The log shrank from 5 to 1 entries."]
    assert memory.size == 5


def forge(bodies: list[bytes], key: SignerKey) -> None:
    """Sign a tree of other leaves; the entries stay as they are."""
    size, grown = integrate(lambda *_: b"", 0, [leaf_hash(body) for body in bodies])
    tiles.write(grown)
    head = f"{key.name}\n{size}\n"
    note = sign_note(head + base64.b64encode(root(lambda *at: grown[at], size)).decode() + "\n", key)
    Checkpoint.objects.update_or_create(size=size, defaults={"note": note, "at": NOW})


def test_an_entry_rewritten_before_the_monitor_came_is_told_by_its_successor(database):
    artifact = make()
    retitle(artifact, "Second")
    retitle(artifact, "Third")
    settle()
    bodies = [bytes(body) for body in Entry.objects.order_by("leaf_index").values_list("body", flat=True)]
    del bodies[1]
    memory = monitor.Memory()
    problems = [problem for body in bodies for problem in monitor._follow(memory, body)]
    assert problems == [
        f"Entry 1 is revision 3 of registry.artifact {artifact.pk} and does not follow revision 1."
    ]


def test_a_checkpoint_by_another_key_is_told(database):
    make()
    settle()
    other = Policy.of(SignerKey.generate(keys.signer().name).verifier)
    assert "does not hold" in monitor.look(monitor.Memory(), other, served, NOW)[0]


def test_a_public_part_that_was_altered_is_told(database):
    make()
    settle()
    triggers.remove(connection)
    entry = Entry.objects.get()
    entry.parts["P"]["payload"] = entry.parts["P"]["payload"].replace("House", "Horse")
    execute("UPDATE ledger_entry SET parts = %s", json.dumps(entry.parts))
    assert look(monitor.Memory()) == [
        "The public part served for entry 0 is not what the entry committed to."
    ]


def test_an_erased_part_is_no_problem(database):
    make()
    settle()
    execute("UPDATE ledger_entry SET parts = %s", json.dumps(dict.fromkeys(Entry.objects.get().parts)))
    assert look(monitor.Memory()) == []


def test_a_start_without_an_end_is_told_after_two_days(database):
    with transaction.atomic():
        activity = start_activity("training", "Run", [], summary={}, actor=Actor.person("ada"))
    settle()
    memory = monitor.Memory()
    assert look(memory) == []
    late = NOW + timedelta(hours=50)
    assert [f"Activity {activity.pk} started" in problem for problem in look(memory, late)] == [True]
    with transaction.atomic():
        end_activity(activity, state=Activity.ENDED, summary={}, actor=Actor.person("ada"))
    settle()
    assert look(memory, late) == []


def test_what_is_served_but_not_logged_is_told_after_a_while(database):
    make()
    settle()
    memory = monitor.Memory()
    ghost = [{"subject": "model:ghost@1", "state": "approved", "digest": "0" * 64}]
    assert look(memory, NOW, iter(ghost)) == []
    told = look(memory, NOW + timedelta(minutes=16), iter(ghost))
    assert told == [
        "model:ghost@1 is served as approved, but logged as nothing: for 16 minutes; its log is stale, or the change was never logged."
    ]
    assert look(memory, NOW + timedelta(minutes=17), iter([])) == []


def test_memory_is_kept_from_look_to_look(database, tmp_path):
    make_many(3)
    settle()
    memory = monitor.load(tmp_path)
    monitor.keep(tmp_path, memory, look(memory), NOW)
    again = monitor.load(tmp_path)
    assert again == memory
    assert look(again) == []


@pytest.mark.parametrize("spoilt", [b"", b"\0", struct.pack(">H", 60_000)])
def test_a_bundle_that_is_cut_short_is_no_fork_but_no_answer(database, spoilt):
    make_many(3)
    settle()

    def fetch(place: str) -> bytes:
        return spoilt if place.startswith("tile/entries") else served(place)

    try:
        problems = monitor.look(monitor.Memory(), keys.policy(), fetch, NOW)
    except monitor.Unreachable:
        return
    assert problems[0].startswith("The log forked") or "malformed" in problems[0]
