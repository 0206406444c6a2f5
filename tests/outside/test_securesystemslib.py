"""securesystemslib 1 (Python) on the signed statement of a release's bundle: a DSSE envelope."""

from tests.outside import cases
from tests.outside.tools import HERE, accepts_ours_and_refuses, judge, python


def test_the_statement_is_accepted_and_an_altered_one_refused(exported):
    ours = cases.envelope(exported)
    altered = {name: alter(ours) for name, alter in cases.ENVELOPE.items()}
    command = [python("securesystemslib"), HERE / "dsse_check.py"]
    accepts_ours_and_refuses(judge(command, {"ours": ours, **altered}))
