"""Every write that fails, before it persists or after: no fork, no gap, no duplicate, no row without its entry.

`tests/torture` kills processes at these places and elsewhere; here the same places answer with an error.
"""

import errno
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.ledger import cosigning, keys, sequencer, signer
from governance.ledger.append import Stale
from governance.ledger.models import Alarm, Checkpoint, Entry
from governance.ledger.note import COSIGNATURE
from governance.ledger.policy import Witness
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey
from governance.ledger.web import Answer
from governance.ledger.witness import SIZE_TYPE, client
from governance.ledger.witness.memory import Memory, Refusal
from governance.management.commands import ledger
from governance.registry.models import Artifact
from tests.ledger.sound import SIDES, sound, stored
from tests.ledger.world import OP, make, make_many, retitle
from tests.torture import checks


class Statements:
    """Counts SQL statements; number `nth` fails, before the database ran it or after."""

    def __init__(self, nth: int = 0, *, after: bool = False) -> None:
        self.nth, self.after, self.calls = nth, after, 0

    def __call__(self, execute: Callable[..., Any], *call: Any) -> Any:
        self.calls += 1
        if self.calls == self.nth and not self.after:
            raise OperationalError("died")
        result = execute(*call)
        if self.calls == self.nth:
            raise OperationalError("died")
        return result


def failing(
    original: Callable[..., Any], error: Exception, *, nth: int = 1, after: bool
) -> Callable[..., Any]:
    """`original`, whose call number `nth` fails."""
    calls = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and not after:
            raise error
        result = original(*args, **kwargs)
        if calls == nth:
            raise error
        return result

    return call


@pytest.fixture
def wendy(database, tmp_path, monkeypatch) -> Memory:
    """A witness of the log, in this process."""
    key = SignerKey.generate("wendy.example", COSIGNATURE)
    witness = Witness(key.verifier, "http://wendy.example")
    policy = keys.policy()
    keys.replace(keys.policy_path(), replace(policy, witnesses=(witness,)).text)
    memory = Memory(tmp_path / "wendy", key, [policy], time.time)

    def send(_: Witness, asked: Any) -> Answer:
        try:
            return Answer(200, "text/plain", memory.add_checkpoint(asked).encode())
        except Refusal as refusal:
            kind = SIZE_TYPE if refusal.size is not None else "text/plain"
            return Answer(refusal.status, kind, f"{refusal.size}\n".encode())

    monkeypatch.setattr(client, "_send", send)
    return memory


def change() -> None:
    retitle(Artifact.objects.get(slug="house"), "Changed")


def cosign() -> None:
    cosigning._ask(keys.policy().witnesses[0], Checkpoint.objects.get())


WRITES: dict[str, Callable[[], object]] = {
    "append a new row": lambda: make("another"),
    "append a change": change,
    "sequence": sequencer.sequence,
    "sign": signer.sign,
    "cosign": cosign,
}


@SIDES
@pytest.mark.parametrize("name", WRITES)
def test_whichever_statement_fails_nothing_is_half_written(wendy, name, after):
    make()
    if name in {"sign", "cosign"}:
        sequencer.sequence()
    if name == "cosign":
        signer.sign()
        Alarm.objects.create(source="witness wendy.example", sentence="It disagreed before.")
    before, nth = stored(), 1
    while failed(WRITES[name], Statements(nth, after=after)):
        assert stored() == before, f"statement {nth}"
        nth += 1
    assert nth > 1, "no statement was reached"
    assert not Alarm.objects.filter(over=None).exists()
    Alarm.objects.all().delete()
    sound(wendy)


def failed(write: Callable[[], object], statements: Statements) -> bool:
    """Whether the statement was reached; the connection is lost with it."""
    try:
        with connection.execute_wrapper(statements):
            write()
    except OperationalError:
        connection.close()
        return True
    return False


@SIDES
@pytest.mark.parametrize("name", ["append a new row", "append a change", "sequence", "sign"])
def test_a_commit_that_fails_is_whole_or_not_at_all(database, monkeypatch, name, after):
    make()
    if name == "sign":
        sequencer.sequence()
    before = stored()
    with monkeypatch.context() as patch:
        commit = failing(BaseDatabaseWrapper.commit, OperationalError("died"), after=after)
        patch.setattr(BaseDatabaseWrapper, "commit", commit)
        with pytest.raises(OperationalError, match="died"):
            WRITES[name]()
    connection.close()
    assert (stored() == before) is not after
    sound()


def test_a_writer_whose_commit_failed_reads_again_and_repeats(database, monkeypatch):
    artifact = make()
    with monkeypatch.context() as patch:
        commit = failing(BaseDatabaseWrapper.commit, OperationalError("died"), after=False)
        patch.setattr(BaseDatabaseWrapper, "commit", commit)
        with pytest.raises(OperationalError):
            retitle(artifact, "First")
    connection.close()
    with pytest.raises(Stale):
        retitle(artifact, "First")
    retitle(Artifact.objects.get(), "First")
    assert list(Entry.objects.order_by("id").values_list("rev", flat=True)) == [1, 2]
    sound()


# The signer's files


FULL = OSError(errno.ENOSPC, "No space left on device")


@SIDES
@pytest.mark.parametrize(("function", "nth"), [("fsync", 1), ("rename", 1), ("fsync", 2)])
def test_a_full_disk_under_the_signer_signs_one_history(database, monkeypatch, function, nth, after):
    make_many(3)
    first = settle()
    make("more")
    with monkeypatch.context() as patch:
        patch.setattr(os, function, failing(getattr(os, function), FULL, nth=nth, after=after))
        with pytest.raises(OSError, match="No space left"):
            settle()
    assert Checkpoint.objects.latest("size") == first
    remembered = signer.memory_path().read_text()
    later = settle()
    assert remembered in {first.note, later.note}
    sound()


@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_note_of_which_only_a_part_fits_is_never_the_memory(database, size):
    make_many(3)
    first = settle()
    make("more")
    sequencer.sequence()
    with largest_file(size), pytest.raises(OSError, match="File too large"):
        signer.sign()
    assert signer.memory_path().read_text() == first.note
    assert settle().size == 4
    sound()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_memory_is_durable_before_the_checkpoint_is_published(database, monkeypatch):
    make()
    sequencer.sequence()
    happened: list[str] = []
    for owner, name in ((os, "fsync"), (os, "rename"), (Checkpoint, "save"), (BaseDatabaseWrapper, "commit")):
        monkeypatch.setattr(owner, name, noted(getattr(owner, name), name, happened))
    signer.sign()
    assert happened == ["fsync", "rename", "fsync", "save", "commit"]


def noted(original: Callable[..., Any], name: str, happened: list[str]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        happened.append(name)
        return original(*args, **kwargs)

    return call


def test_a_key_of_which_only_a_part_fits_is_no_key(tmp_path):
    path, key = tmp_path / "keys" / "signer.key", SignerKey.generate("log.test/a")
    path.parent.mkdir()
    with largest_file(10), pytest.raises(OSError, match="File too large"):
        keys.write_private(path, key)
    assert not path.exists()
    keys.write_private(path, key)
    assert keys.private_text(path) == key.text
    with pytest.raises(FileExistsError):
        keys.write_private(path, SignerKey.generate("log.test/a"))
    assert [one.name for one in path.parent.iterdir()] == ["signer.key"]


def test_the_loop_outlives_a_full_disk(database, monkeypatch, capsys):
    make()
    command = ledger.Command()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(os.fsync, FULL, after=False))
        command._turn()
    assert "No space left" in capsys.readouterr().err
    command._turn()
    assert Checkpoint.objects.get().size == 1


# Others at work meanwhile, and the clock


def test_settling_ends_although_others_write_without_a_pause(database, monkeypatch):
    real, written = sequencer.sequence, iter(range(20))

    def busy() -> int:
        count = real()
        make(f"meanwhile-{next(written)}")
        return count

    make()
    monkeypatch.setattr(sequencer, "sequence", busy)
    assert settle().size == 1
    assert sequencer.pending()


def test_the_clock_goes_backwards(wendy):
    moments = [datetime(2026, 3, 1, 12, tzinfo=UTC) - timedelta(days=days) for days in range(5)]
    artifact, seen = None, checks.Seen()
    for moment in moments:
        with time_machine.travel(moment):
            artifact = make() if artifact is None else artifact
            retitle(artifact, f"Written on {moment:%F}")
            assert list(checks.problems(seen, [wendy])) == []
    entries = Entry.objects.filter(op=OP).order_by("leaf_index")
    assert [entry.rev for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.at for entry in entries] == [moments[0], *moments]
    assert [one.size for one in Checkpoint.objects.order_by("-at")] == [2, 3, 4, 5, 6]
    assert cosigning.standings(keys.policy(), Checkpoint.objects.latest("size"))[0].size == 6
    sound(wendy)


def test_a_witness_that_is_ahead_of_an_older_checkpoint_raises_no_alarm(wendy):
    """Two processes ask: the one that read the newest checkpoint before it was overtaken learns nothing wrong."""
    make()
    overtaken = settle()
    make("more")
    assert cosigning.collect(settle()) == 1
    assert cosigning.collect(overtaken) == 0
    assert not Alarm.objects.exists()
    sound(wendy)


def test_a_witness_that_moves_on_while_it_is_asked_raises_no_alarm(wendy, monkeypatch):
    make()
    cosigning.collect(settle())
    slugs = iter(["a", "b", "c"])
    real = client._send

    def meanwhile(witness: Witness, asked: Any) -> Answer:
        """Before every request another process settles, and has the witness cosign what it settled."""
        if slug := next(slugs, None):
            make(slug)
            other = settle()
            with monkeypatch.context() as patch:
                patch.setattr(client, "_send", real)
                cosigning.collect(other)
        return real(witness, asked)

    make("more")
    asked = settle()
    monkeypatch.setattr(client, "_send", meanwhile)
    cosigning.collect(asked)
    assert not Alarm.objects.exists()
    sound(wendy)
