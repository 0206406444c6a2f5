"""Go's checksum-database code, golang.org/x/mod/sumdb/{note,tlog}, on checkpoints, both kinds of proof, and served tiles."""

from pathlib import Path

import pytest

from governance.ledger.note import encode64
from tests.outside import cases
from tests.outside.tools import HERE, accepts_ours_and_refuses, go_build, judge


@pytest.fixture(scope="module")
def sumdb(tmp_path_factory) -> list[Path]:
    return [go_build(HERE / "go" / "check.go", tmp_path_factory.mktemp("go"))]


def test_every_proof_is_accepted(sumdb, exported):
    verdicts = judge(sumdb, {**cases.inclusions(exported), "since": cases.consistency(exported)})
    assert len(verdicts) == 8
    assert set(verdicts.values()) == {None}


@pytest.mark.parametrize("index", ["12", "511"])
def test_altered_proofs_of_entries_are_refused(sumdb, exported, index):
    ours = cases.inclusions(exported)[index]
    altered = {name: alter(ours) for name, alter in cases.INCLUSION.items()}
    accepts_ours_and_refuses(judge(sumdb, {"ours": ours, **altered}))


def test_altered_proofs_of_growth_are_refused(sumdb, exported):
    ours = cases.consistency(exported)
    altered = {name: alter(ours) for name, alter in cases.CONSISTENCY.items()}
    accepts_ours_and_refuses(judge(sumdb, {"ours": ours, **altered}))


def test_the_checkpoint_is_accepted_and_an_altered_one_refused(sumdb, exported):
    ours = cases.checkpoint(exported)
    assert len(ours["witnesses"]) == 1
    altered = {name: alter(ours) for name, alter in {**cases.CHECKPOINT, **cases.COSIGNED}.items()}
    accepts_ours_and_refuses(judge(sumdb, {"ours": ours, **altered}))


class TestServedTiles:
    """Every tile and entry bundle as HTTP gave it, under the root that the checkpoint signs."""

    @pytest.fixture
    def folder(self, exported, tmp_path) -> Path:
        for place, data in exported.served.items():
            path = tmp_path / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path

    def whole(self, exported, folder: Path) -> cases.Case:
        old = exported.old_head
        return {
            **cases.checkpoint(exported),
            "kind": "folder",
            "folder": str(folder),
            "old_size": old.size,
            "old_root": encode64(old.root),
        }

    def test_all_of_it_is_accepted(self, sumdb, exported, folder):
        assert {"tile/0/002.p", "tile/1", "tile/entries"} <= {
            path.relative_to(folder).as_posix() for path in folder.rglob("*")
        }
        ours = self.whole(exported, folder)
        forgotten = {**ours, "old_root": encode64(bytes(32))}
        accepts_ours_and_refuses(judge(sumdb, {"ours": ours, "another past": forgotten}))

    @pytest.mark.parametrize("at", [0, 33, -1])
    def test_no_file_may_differ_by_a_bit(self, sumdb, exported, folder, at):
        ours = self.whole(exported, folder)
        for place in sorted(exported.served):
            if not place.startswith("tile/"):
                continue
            data = bytearray(exported.served[place])
            data[at] ^= 1
            (folder / place).write_bytes(data)
            assert judge(sumdb, {place: ours})[place] is not None
            (folder / place).write_bytes(exported.served[place])
        assert judge(sumdb, {"ours": ours}) == {"ours": None}

    def test_nothing_may_be_missing_or_cut(self, sumdb, exported, folder):
        ours = self.whole(exported, folder)
        for place in ("tile/0/001", "tile/entries/001", "tile/1/000.p/2"):
            (folder / place).write_bytes(exported.served[place][:-32])
            assert judge(sumdb, {place: ours})[place] is not None
            (folder / place).unlink()
            assert judge(sumdb, {place: ours})[place] is not None
            (folder / place).write_bytes(exported.served[place])
