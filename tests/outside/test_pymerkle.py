"""pymerkle 7 (Python) on our inclusion proofs, and on the tree that it grows itself from the exported entries."""

import pytest

from governance.ledger.note import encode64
from tests.outside import cases
from tests.outside.tools import HERE, accepts_ours_and_refuses, judge, python


@pytest.fixture(scope="module")
def pymerkle() -> list[object]:
    return [python("pymerkle"), HERE / "pymerkle_check.py"]


def test_every_proof_is_accepted(pymerkle, exported):
    verdicts = judge(pymerkle, cases.inclusions(exported))
    assert len(verdicts) == 7
    assert set(verdicts.values()) == {None}


@pytest.mark.parametrize("index", ["12", "511"])
def test_altered_proofs_are_refused(pymerkle, exported, index):
    ours = cases.inclusions(exported)[index]
    altered = {name: alter(ours) for name, alter in cases.INCLUSION.items()}
    accepts_ours_and_refuses(judge(pymerkle, {"ours": ours, **altered}))


def test_its_own_tree_of_our_entries_has_our_roots(pymerkle, exported):
    leaves = [encode64(body) for body in exported.entries]
    ours = {**cases.consistency(exported), "kind": "tree", "leaves": leaves}
    altered = {
        "old entry changed": {**ours, "leaves": [cases.flipped(leaves[0]), *leaves[1:]]},
        "new entry changed": {**ours, "leaves": [*leaves[:-1], cases.flipped(leaves[-1])]},
        "entries swapped": {**ours, "leaves": [leaves[1], leaves[0], *leaves[2:]]},
        "entry dropped": {**ours, "leaves": leaves[:-1]},
        "entry added": {**ours, "leaves": [*leaves, leaves[0]]},
        **{
            name: cases.CONSISTENCY[name](ours)
            for name in ("old root changed", "root changed", "roots exchanged", "older size", "younger size")
        },
    }
    accepts_ours_and_refuses(judge(pymerkle, {"ours": ours, **altered}))
