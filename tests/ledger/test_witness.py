"""Witnesses: the protocol's judgement, the door over HTTP, and the log that asks."""

import asyncio
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance.ledger import cosigning, export, keys, publish
from governance.ledger.models import Alarm, Checkpoint, Cosignature, Entry
from governance.ledger.note import COSIGNATURE, NoteError, TreeHead, cosignatures
from governance.ledger.policy import Policy
from governance.ledger.proof import Extension, Proof
from governance.ledger.settle import NotSettled, settle
from governance.ledger.signing import SignerKey, sign_note
from governance.ledger.tiling import consistency, integrate, root
from governance.ledger.tree import leaf_hash
from governance.ledger.witness.memory import Memory, Refusal
from governance.ledger.witness.server import application
from tests.ledger.world import make, make_many

REPO = Path(__file__).resolve().parents[2]
LOG, WENDY = SignerKey.generate("log.test/a"), SignerKey.generate("wendy.example", COSIGNATURE)
NOON = 1_700_000_000


class Tree:
    """A log's tree in memory."""

    def __init__(self, *bodies: bytes) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.size, self.tiles = integrate(lambda *_: b"", 0, [leaf_hash(body) for body in bodies])

    def read(self, level: int, index: int) -> bytes:
        return self.tiles[level, index]

    def head(self, size: int) -> TreeHead:
        return TreeHead(LOG.name, size, root(self.read, size))

    def submission(self, old: int, new: int, key: SignerKey = LOG) -> Extension:
        proof = consistency(self.read, old, new) if old <= new else []
        return Extension(old, proof, sign_note(self.head(new).text, key))


ONE = Tree(*(b"%d" % number for number in range(20)))
OTHER = Tree(*(b"other %d" % number for number in range(20)))


@pytest.fixture
def memory(tmp_path) -> Memory:
    return Memory(tmp_path / "seen", WENDY, [Policy.of(LOG.verifier)], lambda: NOON)


def refused(memory: Memory, submission: Extension) -> tuple[int, int | None]:
    with pytest.raises(Refusal) as refusal:
        memory.add_checkpoint(submission)
    return refusal.value.status, refusal.value.size


def test_a_witness_cosigns_what_grows(memory):
    for old, new in ((0, 3), (3, 3), (3, 8), (8, 20)):
        submission = ONE.submission(old, new)
        line = memory.add_checkpoint(submission)
        assert cosignatures(submission.checkpoint + line, [WENDY.verifier]) == {WENDY.verifier: NOON}
        assert memory.last(LOG.name) == ONE.head(new)


def test_a_submission_reads_back(memory):
    submission = ONE.submission(3, 20)
    assert Extension.parse(submission.text) == submission


def test_a_fork_is_never_cosigned(memory):
    memory.add_checkpoint(ONE.submission(0, 8))
    assert refused(memory, OTHER.submission(8, 20)) == (422, None)
    assert refused(memory, OTHER.submission(8, 8)) == (409, 8)
    assert refused(memory, OTHER.submission(0, 20)) == (409, 8)
    assert refused(memory, ONE.submission(0, 3)) == (409, 8)
    assert memory.last(LOG.name) == ONE.head(8)


@pytest.mark.parametrize("after", [False, True])
def test_a_witness_that_dies_remembers_before_it_signs(memory, monkeypatch, after):
    memory.add_checkpoint(ONE.submission(0, 8))
    with monkeypatch.context() as patch:
        patch.setattr(Memory, "_remember", dying(Memory._remember, after=after))
        with pytest.raises(OSError, match="died"):
            memory.add_checkpoint(ONE.submission(8, 20))
    seen = 20 if after else 8
    assert memory.last(LOG.name) == ONE.head(seen)
    assert memory.add_checkpoint(ONE.submission(seen, 20))
    assert refused(memory, OTHER.submission(20, 20)) == (409, 20)


def dying(original, *, after: bool):
    def step(*args, **kwargs):
        if after:
            original(*args, **kwargs)
        raise OSError("died")

    return step


@pytest.mark.parametrize(
    ("submission", "status"),
    [
        (Extension(9, [], sign_note(ONE.head(8).text, LOG)), 400),
        (Extension(0, [bytes(32)], sign_note(ONE.head(8).text, LOG)), 422),
        (Extension(0, [], sign_note(ONE.head(8).text, SignerKey.generate(LOG.name))), 403),
        (Extension(0, [], sign_note(TreeHead("log.test/b", 8, bytes(32)).text, LOG)), 404),
        (Extension(0, [], "nonsense"), 400),
    ],
    ids=["old-beyond", "needless-proof", "another-key", "another-log", "no-checkpoint"],
)
def test_what_a_witness_refuses(memory, submission, status):
    assert refused(memory, submission)[0] == status
    assert memory.last(LOG.name) is None


@pytest.mark.parametrize(
    "body", [b"", b"old 0\n\n", b"old -1\n\nx", b"old 0\nAAAA\n\nx", b"\xff\n\n", b"old 0" + b"\n" * 70_000]
)
def test_the_door_refuses_what_is_no_submission(memory, body):
    status, _, text = through_the_door(memory, body)
    assert status == (413 if len(body) > 65_536 else 400)
    assert text


def test_the_door_says_what_it_saw_last(memory):
    assert through_the_door(memory, ONE.submission(0, 8).text.encode())[0] == 200
    assert through_the_door(memory, ONE.submission(0, 20).text.encode()) == (409, "text/x.tlog.size", "8\n")
    assert through_the_door(memory, b"", method="GET")[0] == 405
    assert through_the_door(memory, b"", path="/elsewhere")[0] == 404


def through_the_door(memory, body, *, method="POST", path="/add-checkpoint") -> tuple[int, str, str]:
    sent: list = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path}
    asyncio.run(application(memory)(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])[b"content-type"].decode(), sent[1]["body"].decode()


@contextmanager
def witness_process(folder: Path, log_policy: Path) -> Iterator[tuple[str, str]]:
    """(vkey, address) of a real witness in a process of its own."""
    manage = [sys.executable, str(REPO / "manage.py"), "ledger", "witness"]
    keygen = [*manage, "keygen", str(folder), "--name", "wendy.example"]
    vkey = subprocess.run(keygen, check=True, capture_output=True, text=True, cwd=REPO).stdout.strip()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [*manage, "serve", str(folder), "--log", str(log_policy), "--port", str(port)]
    with subprocess.Popen(serve, cwd=REPO, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/")
            yield vkey, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


@pytest.mark.slow
def test_a_log_and_a_witness_in_two_processes(committed_db, tmp_path, capsys):
    keys.generate()
    make_many(3)
    first = settle()
    with witness_process(tmp_path / "witness", keys.policy_path()) as (vkey, address):
        call_command("ledger", "witness", "add", vkey, address, "--quorum", "1")
        assert cosigning.collect(first) == 1
        make_many_more(40)
        second = settle()
        with pytest.raises(NoteError, match="0 of the 1 witnesses"):
            keys.policy().open(publish.cosigned_note(second))
        members = export.evidence_members({0: ["P"]}, second)
        assert cosigning.collect(second) == 1
        seen = keys.policy().open(publish.cosigned_note(second))
        assert seen.head.size == 43
        assert list(seen.cosigned) == ["wendy.example"]
        assert abs(seen.cosigned["wendy.example"] - time.time()) < 60
    assert Cosignature.objects.count() == 2
    assert keys.policy().open(members["checkpoint.txt"].decode()) == seen
    assert Proof.parse(members["proofs/0.txt"].decode()).check(leaf_of(0), keys.policy()) == 43
    make("while it is away")
    third = settle()
    with pytest.raises(NotSettled, match="0 of the 1 witnesses"):
        export.evidence_members({0: ["P"]}, third)
    assert cosigning.collect(third) == 0
    assert standing(third).trouble == ""
    later = standing(third, timedelta(minutes=11))
    assert later.late
    assert "has not cosigned" in later.trouble


def leaf_of(index: int) -> bytes:
    return bytes.fromhex(Entry.objects.get(leaf_index=index).leaf_hash)


def make_many_more(count: int) -> None:
    for number in range(count):
        make(f"more-{number}")


def standing(checkpoint: Checkpoint, later: timedelta = timedelta()) -> cosigning.Standing:
    """Of the only witness, so long after the checkpoint."""
    with time_machine.travel(checkpoint.at + later, tick=False):
        return cosigning.standings(keys.policy(), checkpoint)[0]


def test_a_witness_that_saw_another_history_raises_an_alarm_until_it_agrees(committed_db, tmp_path):
    keys.generate()
    make_many(3)
    checkpoint = settle()
    folder = tmp_path / "witness"
    with witness_process(folder, keys.policy_path()) as (vkey, address):
        call_command("ledger", "witness", "add", vkey, address)
        key = SignerKey.parse((folder / "witness.key").read_text().strip())
        memory = Memory(folder, key, [keys.policy()], time.time)
        forged = TreeHead(keys.signer().name, 5, bytes(32))
        memory.add_checkpoint(Extension(0, [], sign_note(forged.text, keys.signer())))
        assert cosigning.collect(checkpoint) == 0
        make("more")
        assert cosigning.collect(settle()) == 0
        alarm = Alarm.objects.get()
        assert (alarm.source, alarm.over) == ("witness wendy.example", None)
        assert "another history" in alarm.sentence
        assert standing(checkpoint).trouble == alarm.sentence
        (folder / next(folder.glob("*.head")).name).unlink()
        assert cosigning.collect(checkpoint) == 1
        alarm.refresh_from_db()
        assert alarm.over <= timezone.now()
        assert standing(checkpoint).trouble == ""


def test_a_quorum_without_witnesses_is_refused(committed_db, capsys):
    keys.generate()

    with pytest.raises(CommandError, match="the quorum is 2"):
        call_command("ledger", "witness", "add", WENDY.verifier.text, "http://127.0.0.1:1", "--quorum", "2")
    assert keys.policy().witnesses == ()
