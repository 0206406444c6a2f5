"""A verifier that is not there skips its tests, and fails them where all must have run."""

import pytest

from tests.outside import tools


def test_a_missing_verifier_skips(monkeypatch):
    monkeypatch.delenv("OUTSIDE_REQUIRED", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no.such.verifier is not installed"):
        tools.program("no-such-verifier")


@pytest.mark.parametrize(
    "sought", [lambda: tools.program("no-such-verifier"), lambda: tools.python("no_such_verifier")]
)
def test_a_missing_verifier_fails_where_all_are_required(monkeypatch, sought):
    monkeypatch.setenv("OUTSIDE_REQUIRED", "1")
    with pytest.raises(pytest.fail.Exception, match=r"no.such.verifier is not installed"):
        sought()
