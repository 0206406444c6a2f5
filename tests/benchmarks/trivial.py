"""A benchmark that measures nothing, for the frame around benchmarks."""

import os
import sys
from collections.abc import Iterator

from django.conf import settings

from benchmarks.figures import Aim, Figure


def figures(quick: bool) -> Iterator[Figure]:
    assert str(settings.CHARTER_HOME) == os.environ["CHARTER_HOME"]
    assert "CELERY_BROKER_URL" not in os.environ
    yield Figure("Count to ten", "ms", [2.0, 8.0, 3.0], [1.0, 2.0, 1.0], "to five", Aim("ratio", 2.5))
    yield Figure("Queries", "queries", [4.0] if quick else [40.0], aim=Aim("value", 9))
    sys.stdout.write("what a library says in between\n")
