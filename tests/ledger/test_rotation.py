"""The life of the log's keys, each step also dying half way."""

import os
import sqlite3
import subprocess

import pytest
from django.core.management import call_command
from django.db import connection

from governance.ledger import audit, keys, rotation, signer
from governance.ledger.actors import Actor
from governance.ledger.models import Checkpoint, Entry, SigningKey
from governance.ledger.note import NoteError
from governance.ledger.policy import Policy
from governance.ledger.settle import settle
from governance.ledger.signer import Refused
from governance.ledger.signing import SignerKey, sign_note
from governance.ledger.tiles import read
from governance.ledger.tiling import consistency
from governance.ledger.tree import verify_consistency
from tests.ledger.world import make, make_many

ROOT = Actor.command("root", None)


def signatures(note: str) -> int:
    return note.rpartition("\n\n")[2].count("\n")


def test_a_rotation_overlaps_and_ends(database):
    make_many(3)
    old, first = keys.signer().verifier, settle()
    new = rotation.rotate(actor=ROOT)
    both = settle()
    assert (signatures(first.note), signatures(both.note)) == (1, 2)
    for trusted in (old, new):
        assert Policy.of(trusted).open(both.note).head.size == 5
    assert rotation.retire(actor=ROOT) == old
    make("later")
    last = settle()
    assert signatures(last.note) == 1
    with pytest.raises(NoteError):
        Policy.of(old).open(last.note)
    for checkpoint in Checkpoint.objects.all():
        assert keys.policy().open(checkpoint.note).head.size == checkpoint.size
    assert [(row.vkey, row.state, row.since, row.until) for row in SigningKey.objects.order_by("since")] == [
        (old.text, "retired", 0, 5),
        (new.text, "active", 3, None),
    ]
    assert audit.run().problems == []


def test_the_retired_key_forges_nothing(database):
    old = keys.signer()
    make_many(2)
    settle()
    rotation.rotate(actor=ROOT)
    settle()
    rotation.retire(actor=ROOT)
    assert not keys.retiring_path().exists()
    make("later")
    head = keys.policy().open(settle().note).head
    with pytest.raises(NoteError, match="not signed by"):
        keys.policy().open(sign_note(head.text, old))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["write_private", "_record", "_publish", "rename-1", "rename-2"])
def test_a_rotation_that_dies_is_ended_by_the_next_call(committed_db, monkeypatch, step, after):
    keys.generate()
    old = keys.signer().verifier
    make_many(2)
    settle()
    with monkeypatch.context() as patch:
        die_at(patch, step, after=after)
        with pytest.raises(OSError, match="died"):
            rotation.rotate(actor=ROOT)
    if not (step == "rename-2" and after):
        new = rotation.rotate(actor=ROOT)
        assert new == keys.signer().verifier != old
    assert signatures(settle().note) == 2
    assert SigningKey.objects.count() == 2
    assert len(keys.policy().log) == 2
    assert not keys.next_path().exists()
    rotation.retire(actor=ROOT)
    make("later")
    settle()
    assert audit.run().problems == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["_end", "_publish"])
def test_a_retirement_that_dies_is_ended_by_the_next_call(committed_db, monkeypatch, step, after):
    keys.generate()
    make_many(2)
    settle()
    rotation.rotate(actor=ROOT)
    settle()
    with monkeypatch.context() as patch:
        die_at(patch, step, after=after)
        with pytest.raises(OSError, match="died"):
            rotation.retire(actor=ROOT)
    rotation.retire(actor=ROOT)
    assert keys.policy().log[0].until == SigningKey.objects.get(state="retired").until == 4
    assert signatures(settle().note) == 1
    assert audit.run().problems == []


def die_at(patch, step: str, *, after: bool) -> None:
    if not step.startswith("rename"):
        owner = keys if step == "write_private" else rotation
        patch.setattr(owner, step, dying(getattr(owner, step), after=after))
        return
    renamed = type(keys.private_path()).rename
    target = {"rename-1": keys.retiring_path(), "rename-2": keys.private_path()}[step]

    def rename(path, to):
        if to != target:
            return renamed(path, to)
        if after:
            renamed(path, to)
        raise OSError("died")

    patch.setattr(type(keys.private_path()), "rename", rename)


def dying(original, *, after: bool):
    def step(*args, **kwargs):
        if after:
            original(*args, **kwargs)
        raise OSError("died")

    return step


def test_keygen_makes_no_third_key_in_the_middle(committed_db, monkeypatch):
    keys.generate()
    with monkeypatch.context() as patch:
        die_at(patch, "rename-2", after=False)
        with pytest.raises(OSError, match="died"):
            rotation.rotate(actor=ROOT)
    with pytest.raises(keys.KeyUnavailable, match="ledger rotate"):
        keys.generate()


def test_one_rotation_at_a_time(database):
    with pytest.raises(Refused, match="no rotation is under way"):
        rotation.retire(actor=ROOT)
    rotation.rotate(actor=ROOT)
    with pytest.raises(Refused, match="under way already"):
        rotation.rotate(actor=ROOT)


def test_a_key_from_the_environment_is_not_rotated(database, monkeypatch):
    monkeypatch.setenv("LEDGER_KEY", keys.private_path().read_text().strip())
    with pytest.raises(Refused, match="LEDGER_KEY"):
        rotation.rotate(actor=ROOT)


def test_after_a_theft_the_log_ends_and_goes_on_under_another_name(database, settings):
    stolen = SignerKey.parse(keys.private_path().read_text().strip())
    make_many(3)
    settle()
    last = rotation.freeze("laptop lost", actor=ROOT)
    assert "laptop lost" in Entry.objects.get(op="ledger:key:compromised").parts["P"]["payload"]
    make("not signed any more")
    with pytest.raises(keys.KeyUnavailable):
        signer.sign()
    keys.write_private(keys.private_path(), stolen)
    with pytest.raises(Refused, match=f"frozen at {last.size}"):
        signer.sign()
    keys.private_path().unlink()

    settings.LEDGER_ORIGIN = "charter.local/log-2"
    call_command("ledger", "keygen")
    goes_on = settle()
    policy = keys.policy()
    assert policy.open(goes_on.note).head.origin == "charter.local/log-2"
    old, new = policy.open(last.note).head, policy.open(goes_on.note).head
    proof = consistency(read, old.size, new.size)
    assert verify_consistency(old.size, new.size, old.root, new.root, proof)
    bound = Entry.objects.filter(op="ledger:key:added").latest("id").parts["P"]["payload"]
    assert old.root.hex() in bound
    forged = sign_note(f"{stolen.name}\n{new.size}\n{new.text.splitlines()[2]}\n", stolen)
    with pytest.raises(NoteError):
        policy.open(forged)
    assert audit.run().problems == []


def test_freezing_needs_a_reason_and_happens_once(database):
    with pytest.raises(Refused, match="say why"):
        rotation.freeze(" ", actor=ROOT)
    rotation.freeze("stolen", actor=ROOT)
    with pytest.raises((Refused, keys.KeyUnavailable)):
        rotation.freeze("again", actor=ROOT)
    with pytest.raises(Refused, match="another LEDGER_ORIGIN"):
        rotation.resume(actor=ROOT)


def test_the_commands(database, capsys):
    make()
    for verb in ("rotate", "checkpoint", "retire"):
        call_command("ledger", verb)
    assert "signs nothing more" in capsys.readouterr().out


def test_entries_lost_in_a_restore_are_told_and_the_log_goes_on_under_another_name(
    committed_db, settings, tmp_path
):
    keys.generate()
    make_many(4)
    settle()
    dump = copy_of_database(tmp_path)
    for number in range(3):
        make(f"lost-{number}")
    signed = settle()
    dump()
    with pytest.raises(Refused, match="entries 4 to 6 are back"):
        settle()
    with pytest.raises(Refused, match="say how"):
        rotation.abandon("", actor=ROOT)
    last = rotation.abandon("disk died, backup of the night before", actor=ROOT)
    assert (last.size, signed.size) == (7, 7)
    with pytest.raises(keys.KeyUnavailable):
        signer.sign()
    settings.LEDGER_ORIGIN = "charter.local/log-2"
    call_command("ledger", "keygen")
    goes_on = settle()
    policy = keys.policy()
    assert policy.open(goes_on.note).head.origin == "charter.local/log-2"
    assert policy.open(signed.note).head.size == 7
    told = Entry.objects.get(op="ledger:key:retired").parts["P"]["payload"]
    assert '"from":4' in told
    assert "backup of the night before" in told
    assert audit.run().problems == []


def copy_of_database(tmp_path):
    """Back the database up; returns the function that restores it."""
    url = os.environ["DATABASE_URL"]
    connection.close()
    if url.startswith("sqlite"):
        live, kept = url.removeprefix("sqlite:///"), tmp_path / "backup.sqlite3"
        with sqlite3.connect(live) as source, sqlite3.connect(kept) as target:
            source.backup(target)

        def restore() -> None:
            connection.close()
            with sqlite3.connect(kept) as source, sqlite3.connect(live) as target:
                source.backup(target)

        return restore
    dumped = tmp_path / "backup.dump"
    subprocess.run(["pg_dump", "--format=custom", "--file", str(dumped), url], check=True)

    def restore() -> None:
        connection.close()
        subprocess.run(["pg_restore", "--clean", "--if-exists", "--dbname", url, str(dumped)], check=True)

    return restore


def test_nothing_is_abandoned_while_nothing_is_missing(database):
    make()
    settle()
    with pytest.raises(Refused, match="nothing is missing"):
        rotation.abandon("why not", actor=ROOT)
