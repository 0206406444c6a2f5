"""npm's @sigstore/verify (JavaScript) on our inclusion proofs, checkpoints and signed statements."""

import pytest

from tests.outside import cases
from tests.outside.tools import HERE, accepts_ours_and_refuses, judge, missing, program


@pytest.fixture(scope="module")
def npm() -> list[object]:
    if not (HERE / "js" / "node_modules" / "@sigstore" / "verify").exists():
        missing("@sigstore/verify is not installed: run `make outside`")
    return [program("node"), HERE / "js" / "check.js"]


def test_every_proof_is_accepted(npm, exported):
    verdicts = judge(npm, cases.inclusions(exported))
    assert len(verdicts) == 7
    assert set(verdicts.values()) == {None}


@pytest.mark.parametrize("index", ["12", "511"])
def test_altered_proofs_are_refused(npm, exported, index):
    ours = cases.inclusions(exported)[index]
    altered = {name: alter(ours) for name, alter in cases.INCLUSION.items()}
    accepts_ours_and_refuses(judge(npm, {"ours": ours, **altered}))


def test_the_checkpoint_is_accepted_and_an_altered_one_refused(npm, exported):
    ours = cases.checkpoint(exported)
    altered = {name: alter(ours) for name, alter in cases.CHECKPOINT.items()}
    accepts_ours_and_refuses(judge(npm, {"ours": ours, **altered}))


def test_the_statement_is_accepted_and_an_altered_one_refused(npm, exported):
    ours = cases.envelope(exported)
    altered = {name: alter(ours) for name, alter in cases.ENVELOPE.items()}
    accepts_ours_and_refuses(judge(npm, {"ours": ours, **altered}))
