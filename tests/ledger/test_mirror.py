"""`manage.py ledger export`: the public log as files, written once, brought up to date, and never over another history."""

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from governance.ledger import keys, mirror
from governance.ledger.models import Checkpoint, Entry, Tile
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey, sign_note
from tests.ledger.world import make, make_many


@pytest.fixture
def folder(database, tmp_path) -> Path:
    """The log of 300 entries, exported."""
    with transaction.atomic():
        make_many(300)
    settle()
    call_command("ledger", "export", str(tmp_path / "log"))
    return tmp_path / "log"


def grow(count: int) -> None:
    with transaction.atomic():
        for number in range(count):
            make(f"later-{Entry.objects.count()}-{number}")
    settle()


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_folder_holds_what_is_served_and_the_policy(folder, client, settings):
    settings.LEDGER_PUBLIC = True
    found = files(folder)
    assert found.pop("policy.txt").decode() == keys.policy().text
    assert list(found) == [
        "checkpoint",
        "parts/000",
        "parts/001.p/44",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ]
    assert {place: client.get(f"/ledger/{place}").content for place in found} == found


def test_what_is_there_stays_and_what_is_new_comes(folder, capsys):
    before = files(folder)
    os.utime(folder / "tile/0/000", ns=(0, 0))
    os.utime(folder / "tile/entries/000", ns=(0, 0))
    grow(300)
    capsys.readouterr()
    call_command("ledger", "export", str(folder))
    # A tile, an entry bundle and its parts twice, level 1, and the checkpoint.
    assert capsys.readouterr().out == f"{folder}: 600 entries, 8 files written\n"
    after = files(folder)
    gone = {"parts/001.p/44"}
    assert set(before) - set(after) == gone
    assert all(after[name] == before[name] for name in set(before) - gone - {"checkpoint"})
    assert (folder / "tile/0/000").stat().st_mtime_ns == 0
    assert (folder / "tile/entries/000").stat().st_mtime_ns == 0
    assert {"tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "parts/001", "parts/002.p/88"} <= set(after)
    call_command("ledger", "export", str(folder))
    assert capsys.readouterr().out == f"{folder}: 600 entries, 0 files written\n"


def test_an_erased_part_goes_with_the_next_export(folder):
    erased = Entry.objects.get(leaf_index=290)
    salt = erased.parts["P"]["salt"].encode()
    assert any(salt in data for data in files(folder).values())
    Entry.objects.filter(pk=erased.pk).update(parts={**erased.parts, "P": None})
    grow(3)
    call_command("ledger", "export", str(folder))
    assert not any(salt in data for data in files(folder).values())
    assert b'{"index":290,"payload":null,"salt":null}\n' in (folder / "parts/001.p/47").read_bytes()


@pytest.mark.parametrize("last", ["tile/1/000.p/2", "checkpoint"])
def test_one_that_dies_leaves_the_old_checkpoint_over_all_that_it_needs(folder, monkeypatch, last):
    before = files(folder)
    grow(300)
    real = Path.rename

    def dying(path, target):
        if target == folder / last:
            raise OSError("died")
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        with pytest.raises(CommandError, match="died"):
            call_command("ledger", "export", str(folder))
    left = files(folder)
    assert left["checkpoint"] == before["checkpoint"]
    assert {name for name in before if name not in left} <= {"parts/001.p/44"}
    call_command("ledger", "export", str(folder))
    whole = folder.parent / "whole"
    call_command("ledger", "export", str(whole))
    assert files(whole).items() <= files(folder).items()
    assert not list(folder.rglob("*.new"))


def test_a_folder_of_another_log_or_another_past_is_left_alone(folder):
    before = files(folder)
    other = SignerKey.generate("other.test/log")
    (folder / "checkpoint").write_text(sign_note(f"other.test/log\n1\n{'A' * 43}=\n", other))
    with pytest.raises(CommandError, match="no checkpoint of this log"):
        call_command("ledger", "export", str(folder))
    for size in (200, 900):
        forked = sign_note(f"{keys.signer().name}\n{size}\n{'A' * 43}=\n", keys.signer())
        (folder / "checkpoint").write_text(forked)
        with pytest.raises(CommandError, match="entries that this log does not have"):
            call_command("ledger", "export", str(folder))
        assert files(folder) == {**before, "checkpoint": forked.encode()}


@pytest.mark.parametrize("place", ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"])
def test_without_a_checkpoint_what_is_there_is_compared(folder, place, capsys):
    before = files(folder)
    os.utime(folder / "tile/0/000", ns=(0, 0))
    (folder / "checkpoint").unlink()
    capsys.readouterr()
    call_command("ledger", "export", str(folder))
    assert capsys.readouterr().out == f"{folder}: 300 entries, 1 files written\n"
    assert (files(folder), (folder / "tile/0/000").stat().st_mtime_ns) == (before, 0)
    (folder / "checkpoint").unlink()
    (folder / place).write_bytes(b"other")
    with pytest.raises(CommandError, match="is not what this log has there"):
        call_command("ledger", "export", str(folder))
    assert (folder / place).read_bytes() == b"other"
    assert not (folder / "checkpoint").exists()


def test_what_an_export_that_died_left_beyond_the_checkpoint_is_compared(folder):
    before = files(folder)
    grow(300)
    (folder / "tile/0/001").write_bytes(b"other")
    with pytest.raises(CommandError, match="is not what this log has there"):
        call_command("ledger", "export", str(folder))
    assert files(folder)["checkpoint"] == before["checkpoint"]


def test_before_anything_is_signed(database, tmp_path):
    with pytest.raises(CommandError, match="ledger checkpoint"):
        call_command("ledger", "export", str(tmp_path / "log"))
    assert not (tmp_path / "log").exists()


def test_a_checkpoint_of_nothing(database, tmp_path):
    settle()
    assert Checkpoint.objects.get().size == 0
    assert mirror.write(tmp_path / "log") == mirror.Mirrored(0, 2)
    assert list(files(tmp_path / "log")) == ["checkpoint", "policy.txt"]
    grow(2)
    assert mirror.write(tmp_path / "log").size == 2
    assert Tile.objects.count() == 1
