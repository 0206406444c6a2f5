"""sigstore-python 4 on our inclusion proofs and checkpoints, by the code that it checks Rekor's with."""

import pytest

from tests.outside import cases
from tests.outside.tools import HERE, accepts_ours_and_refuses, judge, python


@pytest.fixture(scope="module")
def sigstore() -> list[object]:
    return [python("sigstore"), HERE / "sigstore_check.py"]


def test_every_proof_is_accepted(sigstore, exported):
    verdicts = judge(sigstore, cases.inclusions(exported))
    assert len(verdicts) == 7
    assert set(verdicts.values()) == {None}


@pytest.mark.parametrize("index", ["12", "511"])
def test_altered_proofs_are_refused(sigstore, exported, index):
    ours = cases.inclusions(exported)[index]
    altered = {name: alter(ours) for name, alter in cases.INCLUSION.items()}
    accepts_ours_and_refuses(judge(sigstore, {"ours": ours, **altered}))


def test_the_checkpoint_is_accepted_and_an_altered_one_refused(sigstore, exported):
    ours = cases.checkpoint(exported)
    altered = {name: alter(ours) for name, alter in cases.CHECKPOINT.items()}
    accepts_ours_and_refuses(judge(sigstore, {"ours": ours, **altered}))
