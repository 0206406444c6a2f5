"""`manage.py ledger`, through the door."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection

from governance.ledger import keys
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.note import open_checkpoint
from governance.ledger.proof import Proof
from governance.ledger.verify import main
from tests.ledger.world import make, make_many


def test_keygen_prints_the_public_key_and_keeps_the_private_one(committed_db, capsys):
    call_command("ledger", "keygen")
    first = capsys.readouterr().out
    assert first.strip() == keys.signer().verifier.text
    call_command("ledger", "keygen")
    assert capsys.readouterr().out == first


def test_checkpoint_settles_and_prints_the_note(database, capsys):
    make_many(3)
    call_command("ledger", "checkpoint")
    note = capsys.readouterr().out
    assert open_checkpoint(note, keys.verifiers()).size == 3
    assert Checkpoint.objects.get().note == note


def test_prove_writes_a_proof(database, tmp_path, capsys):
    make_many(3)
    with pytest.raises(CommandError, match="nothing is signed yet"):
        call_command("ledger", "prove", "1")
    call_command("ledger", "checkpoint")
    capsys.readouterr()
    out = tmp_path / "1.txt"
    call_command("ledger", "prove", "1", "--out", str(out))
    call_command("ledger", "prove", "1")
    assert capsys.readouterr().out == out.read_text()
    leaf = bytes.fromhex(Entry.objects.get(leaf_index=1).leaf_hash)
    assert Proof.parse(out.read_text()).check(leaf, keys.policy()) == 3
    with pytest.raises(CommandError, match="no leaf 3"):
        call_command("ledger", "prove", "3")


def test_proofs_are_checked_by_the_verifier(database, tmp_path, capsys):
    make_many(3)
    call_command("ledger", "checkpoint")
    old, proof, entry, grown = (tmp_path / name for name in ("old.txt", "1.txt", "1.json", "grown.txt"))
    old.write_text(capsys.readouterr().out)
    make_many_more = [make(f"later-{number}") for number in range(4)]
    call_command("ledger", "checkpoint")
    call_command("ledger", "prove", "1", "--out", str(proof), "--entry", str(entry))
    call_command("ledger", "prove", "--since", "3", "--out", str(grown))
    capsys.readouterr()
    key = ["--key", str(keys.policy_path())]
    assert main([str(proof), "--entry", str(entry), *key]) == 0
    told = capsys.readouterr().out
    assert "Entry 1:" in told
    assert "person:ada registry:artifact:created registry.artifact" in told
    assert b"a test" not in entry.read_bytes(), "only the public part leaves"
    assert main([str(grown), "--old", str(old), *key]) == 0
    assert f"The tree of {3 + len(make_many_more)} entries extends the older one." in capsys.readouterr().out
    call_command("ledger", "prove", "2", "--entry", str(entry))
    assert main([str(proof), "--entry", str(entry), *key]) == 1, "another entry than the proof is about"
    old.write_text(old.read_text().replace("\n3\n", "\n2\n"))
    assert main([str(grown), "--old", str(old), *key]) == 1
    assert "the signature by" in capsys.readouterr().out


def test_proofs_need_what_they_are_checked_against(database, tmp_path, capsys):
    make_many(2)
    call_command("ledger", "checkpoint")
    proof = tmp_path / "1.txt"
    call_command("ledger", "prove", "1", "--out", str(proof))
    assert main([str(proof)]) == 2
    assert "--key" in capsys.readouterr().err
    assert main([str(proof), "--key", str(keys.policy_path())]) == 2
    assert "--entry" in capsys.readouterr().err
    with pytest.raises(CommandError, match="cannot extend"):
        call_command("ledger", "prove", "--since", "3")
    with pytest.raises(CommandError, match="--entry belongs"):
        call_command("ledger", "prove", "--since", "1", "--entry", str(tmp_path / "e.json"))


def test_run_needs_the_key(committed_db):
    with pytest.raises(CommandError, match="ledger keygen"):
        call_command("ledger", "run")


def test_run_signs_what_comes_and_stops_when_told(committed_db):
    keys.generate()
    make()
    connection.close()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "ledger", "run"],
        cwd=django_settings.BASE_DIR,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for_checkpoint(1)
        make_many(2)
        wait_for_checkpoint(3)
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "checkpoint at 3" in output


def wait_for_checkpoint(size: int) -> None:
    deadline = time.monotonic() + 30
    while not Checkpoint.objects.filter(size=size).exists():
        assert time.monotonic() < deadline, f"no checkpoint at {size}"
        time.sleep(0.1)
