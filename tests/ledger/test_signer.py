import os
import shutil
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from governance.ledger import keys, sequencer, signer, tiles, triggers
from governance.ledger import settle as settling
from governance.ledger.models import Checkpoint, Entry, Head
from governance.ledger.note import open_checkpoint
from governance.ledger.settle import NotSettled, settle
from governance.ledger.signer import Refused
from governance.ledger.tiling import integrate, root
from governance.ledger.tree import leaf_hash
from tests.ledger.world import execute, make, make_many


def expected_root() -> bytes:
    bodies = Entry.objects.order_by("leaf_index").values_list("body", flat=True)
    grown: dict[tuple[int, int], bytes] = {}
    read = lambda level, index: grown[level, index]  # noqa: E731
    size, changed = integrate(read, 0, [leaf_hash(bytes(body)) for body in bodies])
    grown.update(changed)
    return root(read, size)


def test_sequencing_in_batches_gives_the_tree_of_all_entries(database, monkeypatch):
    monkeypatch.setattr(sequencer, "BATCH", 3)
    make_many(8)
    assert sequencer.pending()
    assert [sequencer.sequence() for _ in range(4)] == [3, 3, 2, 0]
    assert not sequencer.pending()
    assert list(Entry.objects.order_by("id").values_list("leaf_index", flat=True)) == list(range(8))
    head = Head.objects.get()
    assert (head.size, head.root) == (8, expected_root().hex())


def test_settling_signs_everything_and_again_changes_nothing(database):
    make_many(3)
    checkpoint = settle()
    signed = open_checkpoint(checkpoint.note, keys.verifiers())
    assert (signed.size, signed.root) == (3, expected_root())
    assert settle().note == checkpoint.note
    assert Checkpoint.objects.count() == 1
    make("another")
    assert settle().size == 4
    assert list(Checkpoint.objects.order_by("size").values_list("size", flat=True)) == [3, 4]


def test_settling_across_a_full_tile(database):
    with transaction.atomic():
        make_many(260)
    assert settle().size == 260
    assert root(tiles.read, 260) == expected_root()


@pytest.mark.django_db
def test_settling_inside_a_test_that_rolls_back():
    keys.generate()
    make()
    assert settle().size == 1


def test_settling_an_empty_ledger(database):
    assert settle().size == 0


def test_never_inside_a_transaction(database):
    for action in (sequencer.sequence, signer.sign, settle):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            action()


@pytest.mark.parametrize("where", ["tiles", "number", "head"])
@pytest.mark.parametrize("after", [False, True])
def test_a_sequencer_that_dies_leaves_nothing_half_done(database, monkeypatch, where, after):
    target = {"tiles": (tiles, "write"), "number": (sequencer, "_number"), "head": (Head, "save")}[where]
    make_many(3)
    with monkeypatch.context() as patch:
        patch.setattr(*target, dying(getattr(*target), after=after))
        with pytest.raises(OSError, match="died"):
            sequencer.sequence()
    assert Head.objects.get().size == 0
    assert Entry.objects.filter(leaf_index__isnull=True).count() == 3
    assert settle().size == 3


@pytest.mark.parametrize("where", ["_remember", "_publish"])
@pytest.mark.parametrize("after", [False, True])
def test_a_signer_that_dies_signs_one_history(database, monkeypatch, where, after):
    make_many(3)
    with monkeypatch.context() as patch:
        patch.setattr(signer, where, dying(getattr(signer, where), after=after))
        with pytest.raises(OSError, match="died"):
            settle()
    remembered = signer.memory_path().read_text() if signer.memory_path().exists() else None
    assert not Checkpoint.objects.exists()
    checkpoint = settle()
    assert remembered in (None, checkpoint.note)
    assert signer.memory_path().read_text() == checkpoint.note


def dying(original, *, after: bool):
    def step(*args, **kwargs):
        if after:
            original(*args, **kwargs)
        raise OSError("died")

    return step


def test_a_note_remembered_but_never_published_binds_the_next_one(database, monkeypatch):
    make_many(3)
    with monkeypatch.context() as patch:
        patch.setattr(signer, "_publish", dying(signer._publish, after=False))
        with pytest.raises(OSError, match="died"):
            settle()
    make("another")
    assert settle().size == 4
    assert Checkpoint.objects.count() == 1


def test_a_restored_old_backup_is_refused(committed_db: Path):
    keys.generate()
    make_many(2)
    settle()
    backup = committed_db.with_suffix(".backup")
    fold_log()
    shutil.copy(committed_db, backup)
    for number in range(3):
        make(f"late-{number}")
    settle()
    fold_log()
    connection.close()
    shutil.copy(backup, committed_db)
    with pytest.raises(Refused, match="shrank from 5 to 2"):
        settle()
    for number in range(4):
        make(f"second-history-{number}")
    with pytest.raises(Refused, match="rewritten"):
        settle()
    assert Checkpoint.objects.latest("size").size == 2


def fold_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_tiles_that_do_not_fit_the_head_are_refused(database):
    make_many(2)
    settle()
    triggers.remove(connection)
    zero = "'\\x00'::bytea" if connection.vendor == "postgresql" else "x'00'"
    execute(f"UPDATE ledger_tile SET data = {zero}")
    with pytest.raises(Refused, match="tiles"):
        settle()


def test_a_fork_is_refused_whatever_the_head_says(database):
    make_many(2)
    settle()
    triggers.remove(connection)
    other = [leaf_hash(b"forged"), leaf_hash(b"history")]
    _, changed = integrate(lambda *_: b"", 0, other)
    tiles.write(changed)
    Head.objects.update(root=root(tiles.read, 2).hex())
    with pytest.raises(Refused, match="rewritten"):
        settle()


def test_the_memory_may_not_vanish(database):
    make_many(2)
    checkpoint = settle()
    signer.memory_path().unlink()
    with pytest.raises(Refused, match="is gone although checkpoint at 2"):
        settle()
    signer.memory_path().write_text(checkpoint.note)
    assert settle().note == checkpoint.note


def test_a_damaged_memory_is_refused(database):
    make_many(2)
    settle()
    signer.memory_path().write_text("nonsense")
    with pytest.raises(Refused, match="damaged"):
        settle()


def test_a_published_note_must_be_the_remembered_one(database):
    make_many(2)
    settle()
    triggers.remove(connection)
    Checkpoint.objects.update(note="another", at=timezone.now())
    with pytest.raises(Refused, match="another note"):
        settle()


def test_without_the_key_settle_waits_for_the_signer(database, monkeypatch):
    make_many(2)
    keys.private_path().rename(keys.private_path().with_suffix(".away"))
    monkeypatch.setattr(settling, "WAIT_SECONDS", 0.2)
    with pytest.raises(NotSettled, match=r"(?s)2 entries.*ledger keygen.*ledger run"):
        settle()
    Checkpoint.objects.create(size=2, note="by the signer elsewhere", at=timezone.now())
    assert settle().size == 2


def test_the_key_is_for_its_owner_alone(database):
    assert keys.private_path().stat().st_mode & 0o777 == 0o600
    keys.private_path().chmod(0o640)
    with pytest.raises(keys.KeyUnavailable, match="chmod 600"):
        keys.signer()


def test_keygen_keeps_the_key_that_is_there(database):
    before = keys.private_path().read_text()
    assert keys.generate() == keys.signer().verifier == keys.verifiers()[0]
    assert keys.private_path().read_text() == before


def test_the_key_may_come_from_the_environment(database, monkeypatch):
    monkeypatch.setenv("LEDGER_KEY", keys.private_path().read_text().strip())
    keys.private_path().unlink()
    os.remove(keys.policy_path())
    assert keys.verifiers() == [keys.signer().verifier]
    make()
    assert settle().size == 1


def test_the_key_must_be_the_origins(database, settings):
    settings.LEDGER_ORIGIN = "elsewhere.example/log"
    with pytest.raises(keys.KeyUnavailable, match="must be equal"):
        keys.signer()
