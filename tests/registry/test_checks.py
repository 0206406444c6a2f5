"""`ledger verify` reads every stored file, goes on after an interruption, and notices what never ended."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance.ledger import audit, keys
from governance.ledger.settle import settle
from governance.registry import actions, blobs
from tests.builders import ADA, dataset

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def stored(tmp_path: Path, settings) -> list[Path]:
    """Where the bytes of three datasets lie."""
    keys.generate()
    settings.CHARTER_CACHE = tmp_path / "cache"
    places = []
    for number in range(3):
        version = dataset(tmp_path, f"rows-{number}", rows=number + 1)
        sha256 = version.content["files"][0]["sha256"]
        places.append(Path(blobs.store().path(blobs.place(sha256))))
    settle()
    return places


def sentences() -> list[str]:
    return [problem.sentence for problem in audit.run().problems]


def test_every_stored_file_is_read(stored):
    result = audit.run()
    assert result.problems == []
    assert result.looked_at["files"] == 3


def test_changed_bytes_are_found(stored):
    stored[1].chmod(0o644)
    stored[1].write_text(stored[1].read_text().replace("Answer", "Reply!"))
    (told,) = sentences()
    assert "dataset:rows-1@1" in told
    assert "have the digest" in told


def test_missing_bytes_are_found(stored):
    stored[2].unlink()
    (told,) = sentences()
    assert "dataset:rows-2@1" in told
    assert "restore them from a backup" in told


def test_an_interrupted_run_goes_on_where_it_stopped(stored, monkeypatch, capsys):
    read: list[str] = []
    digest = blobs.digest

    def interrupted(sha256: str) -> str:
        if len(read) == 2:
            raise KeyboardInterrupt
        read.append(sha256)
        return digest(sha256)

    monkeypatch.setattr(blobs, "digest", interrupted)
    with pytest.raises(CommandError, match="--resume"):
        call_command("ledger", "verify", "--json")
    assert len(read) == 2
    again: list[str] = []
    monkeypatch.setattr(blobs, "digest", lambda sha256: again.append(sha256) or digest(sha256))
    call_command("ledger", "verify", "--resume", "--json")
    assert len(again) == 1
    assert not {*again} & {*read}
    call_command("ledger", "verify", "--resume", "--json")
    assert len(again) == 4, "a run that ended leaves nothing to resume"


def test_only_what_is_whole_is_not_read_again(stored):
    stored[0].unlink()
    whole: set[str] = set()
    assert not audit.run(done=whole).holds
    assert whole == {path.name for path in stored[1:]}
    assert not audit.run(done=whole).holds


def test_where_nothing_can_be_remembered_it_verifies_all_the_same(stored, settings, capsys):
    (Path(settings.LEDGER_DIR) / "verify.done").mkdir()
    call_command("ledger", "verify", "--json")
    told = capsys.readouterr()
    assert json.loads(told.out)["holds"] is True
    assert "Not to be resumed" in told.err


def test_a_start_without_an_end_is_noticed(stored):
    with time_machine.travel(timezone.now() - timedelta(days=3)):
        actions.start_activity("train", "Run of tiny-sft", [], summary={}, actor=ADA)
    settle()
    result = audit.run()
    assert result.holds
    assert result.looked_at["starts"] == 1
    assert len(result.notices) == 1
    assert "Run of tiny-sft" in result.notices[0]
    assert "has not ended" in result.notices[0]
