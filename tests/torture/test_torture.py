"""A tenth of `make torture`, on each database."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.points import POINTS

REPO = Path(__file__).resolve().parents[2]
TENTH = 100


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def test_whoever_is_killed_wherever_the_log_holds(database, request):
    if database == "postgresql":
        # Skips where none answers.
        request.getfixturevalue("postgres")
    command = [sys.executable, "-m", "tests.torture", "--on", database, "--kills", str(TENTH), "--seed", "1"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything holds." in done.stdout


def test_crash_points_are_distinct():
    assert len({str(point) for point in POINTS}) == len(POINTS) > 50
