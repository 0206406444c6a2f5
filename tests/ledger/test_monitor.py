"""A monitor that knows a log's policy and its address, and nothing else."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance.ledger import keys, monitor, publish, tiles, triggers
from governance.ledger.actors import Actor
from governance.ledger.canonical import canonical
from governance.ledger.models import Alarm, Checkpoint, Entry, Head, Monitor
from governance.ledger.policy import Policy
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey, sign_note
from governance.ledger.tiling import integrate, root, tile_number
from governance.ledger.tree import leaf_hash
from governance.people.actions import create_person, create_token
from governance.registry.actions import end_activity, start_activity
from governance.registry.models import Activity
from tests.conftest import REPO
from tests.ledger.world import ADA, execute, make, make_many, retitle
from tests.serving import served

NOW = datetime.now(UTC)


def published(place: str) -> bytes:
    """As the views answer, without HTTP."""
    if place == "checkpoint":
        return publish.checkpoint().encode()
    kind, _, rest = place.removeprefix("tile/").partition("/")
    path, _, width = rest.partition(".p/")
    make_it = {"entries": publish.entries, "parts": publish.parts}[kind]
    return make_it(tile_number(path), int(width or 256))


def look(memory: monitor.Memory, now: datetime = NOW, versions=None) -> list[str]:
    return monitor.look(memory, keys.policy(), published, now, versions)


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
    assert look(memory) == ["The log shrank: it has no longer the 5 entries that this monitor followed."]
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
    assert "does not hold" in monitor.look(monitor.Memory(), other, published, NOW)[0]


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


def test_what_is_broken_in_an_entry_is_told_at_every_later_look(database, tmp_path):
    make()
    settle()
    triggers.remove(connection)
    entry = Entry.objects.get()
    entry.parts["P"]["payload"] = entry.parts["P"]["payload"].replace("House", "Horse")
    execute("UPDATE ledger_entry SET parts = %s", json.dumps(entry.parts))
    memory = monitor.Memory()
    told = ["The public part served for entry 0 is not what the entry committed to."]
    assert look(memory) == told
    monitor.keep(tmp_path, memory, told, NOW)
    make("garden")
    settle()
    assert look(monitor.load(tmp_path)) == told


@pytest.mark.parametrize(
    "line",
    [b"[]", b'{"index": 0}', b'{"index": 0, "salt": "zz", "payload": "{}"}', b'{"payload": 7, "salt": ""}'],
)
def test_a_public_part_that_is_no_part_is_a_finding(database, line):
    make()
    settle()

    def fetch(place: str) -> bytes:
        return line + b"\n" if place.startswith("parts") else published(place)

    problems = monitor.look(monitor.Memory(), keys.policy(), fetch, NOW)
    assert ["public part" in problem for problem in problems] == [True]


def test_what_is_served_but_not_logged_is_told_after_a_while(database):
    make()
    settle()
    memory = monitor.Memory()
    ghost = [{"subject": "model:ghost@1", "state": "approved", "digest": "0" * 64}]
    assert look(memory, NOW, iter(ghost)) == []
    told = look(memory, NOW + timedelta(minutes=16), iter(ghost))
    since = f"{NOW:%FT%TZ}: the log is stale, or the change was never logged."
    assert told == [f"model:ghost@1 is served as approved, but logged as nothing, since {since}"]
    assert look(memory, NOW + timedelta(minutes=30), iter(ghost)) == told, "in the same words at each look"
    assert look(memory, NOW + timedelta(minutes=17), iter([])) == []


def test_memory_is_kept_from_look_to_look(database, tmp_path):
    make_many(3)
    settle()
    memory = monitor.load(tmp_path)
    monitor.keep(tmp_path, memory, look(memory), NOW)
    again = monitor.load(tmp_path)
    assert again == memory
    assert look(again) == []


@pytest.mark.parametrize("kind", ["tile/entries", "parts"])
@pytest.mark.parametrize("kept", [0, 1, 2, -1])
def test_a_bundle_that_is_cut_short_is_no_fork_but_no_answer(database, kind, kept):
    make_many(3)
    settle()

    def fetch(place: str) -> bytes:
        return published(place)[:kept] if place.startswith(kind) else published(place)

    memory = monitor.Memory()
    with pytest.raises(monitor.Unreachable, match="cut short"):
        monitor.look(memory, keys.policy(), fetch, NOW)
    assert memory == monitor.Memory()


@pytest.fixture
def site(database, settings) -> Iterator[str]:
    """The address of this installation with its log public, on a server of its own."""
    settings.LEDGER_PUBLIC = True
    with served() as address:
        yield address


@dataclass
class Outsider:
    """A monitor as somebody elsewhere runs it: an address, a policy got by hand, a folder, a token."""

    address: str
    folder: Path
    secret: str

    def looks(self, *more: str, token: bool = True) -> "subprocess.CompletedProcess[str]":
        (self.folder / "policy.txt").write_text(keys.policy().text)
        command = [sys.executable, "-m", "governance.ledger.monitor", self.address, "--policy", "policy.txt"]
        return subprocess.run(
            [*command, "--state", "seen", *more],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(REPO), "CHARTER_TOKEN": self.secret if token else ""},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def outsider(site, tmp_path) -> Outsider:
    user = create_person("meg", handle="meg", groups=["monitor"], actor=ADA)
    _, secret = create_token(
        user.account,
        label="outside",
        scopes=["ledger:monitor:report"],
        expires_at=datetime.now(UTC) + timedelta(days=1),
        actor=ADA,
    )
    settle()
    folder = tmp_path / "outside"
    folder.mkdir()
    return Outsider(site, folder, secret)


def told() -> tuple[int, list[str], list[str]]:
    """Entries that the monitor outside followed, its open alarms, its past ones."""
    known = Alarm.objects.filter(source="monitor outside").order_by("id")
    sentences = [
        list(known.filter(over__isnull=open).values_list("sentence", flat=True)) for open in (True, False)
    ]
    return Monitor.objects.get(name="outside").size, *sentences


def test_a_monitor_process_reports_what_it_saw(outsider, settings, client):
    done = outsider.looks("--report", "outside")
    assert (done.returncode, done.stdout) == (0, "Nothing is wrong.\n"), done.stderr
    size = Head.objects.get().size
    assert told() == (size, [], [])
    assert (Monitor.objects.get().reporter, Monitor.objects.get().every) == ("meg", 86_400)
    settings.LEDGER_PUBLIC = False
    assert outsider.looks("--report", "outside").returncode == 2
    assert told()[1] == [monitor.UNREAD]
    settings.LEDGER_PUBLIC = True
    assert outsider.looks("--report", "outside").returncode == 0
    assert [len(part) for part in told()[1:]] == [0, 1]
    key = keys.signer()
    triggers.remove(connection)
    forge([b"other %d" % number for number in range(size)], key)
    Checkpoint.objects.exclude(size=size).delete()
    for _ in range(2):
        done = outsider.looks("--report", "outside")
        assert (done.returncode, done.stdout[:15]) == (1, "The log forked:")
        assert [one[:15] for one in told()[1]] == ["The log forked:"]
    assert Alarm.objects.count() == 2
    answer = client.get("/readyz")
    assert answer.json()["alarms"] == ["monitor outside found something wrong"]
    assert answer.json()["reasons"][0].endswith("triggers are missing or altered; run manage.py migrate")


def test_a_report_that_is_refused_is_said_and_the_look_still_counts(outsider):
    assert outsider.looks("--report", "outside").returncode == 0
    other = create_person("otto", handle="otto", groups=["monitor"], actor=ADA)
    Monitor.objects.update(reporter=other.account.handle)
    done = outsider.looks("--report", "outside")
    assert done.returncode == 2
    assert "otto reports as outside; give your monitor another name" in done.stderr
    assert done.stdout == "Nothing is wrong.\n"


def test_a_report_needs_a_token_and_a_name(outsider):
    assert "needs an API token" in outsider.looks("--report", "outside", token=False).stderr
    assert "small letters" in outsider.looks("--report", "Out/side").stderr
    assert outsider.looks(token=False).returncode == 0
    assert not Monitor.objects.exists()


def test_a_finding_that_quotes_anything_can_be_told(outsider):
    body = canonical({"type": "\x1b" + "x" * 900, "id": "1", "rev": 7, "prev": None})
    findings = [*monitor._follow(monitor.Memory(), body), *(f"finding {number}" for number in range(200))]
    monitor.tell(outsider.address, outsider.secret, "outside", 3, findings, 60)
    size, alarms, _ = told()
    assert (size, len(alarms)) == (3, 100)
    assert alarms[0].startswith("Entry 0 is revision 7 of ?xx")
    assert alarms[-1].startswith("More is wrong")
