"""A short `make torture` on each database: until each crash point was reached."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.points import POINTS, at_turn

REPO = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def test_whoever_is_killed_wherever_the_log_holds(database, request):
    if database == "postgresql":
        # Skips where none answers.
        request.getfixturevalue("postgres")
    command = [sys.executable, "-m", "tests.torture", "--on", database, "--kills", "100", "--seed", "1"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(POINTS)} of {len(POINTS)} crash points reached. Everything holds." in done.stdout


def test_crash_points_are_distinct():
    assert len({str(point) for point in POINTS}) == len(POINTS) > 50


def test_every_pass_visits_each_crash_point_once_in_an_order_of_its_own():
    passes = [
        [at_turn(first + place, seed) for place in range(len(POINTS))]
        for seed, first in ((1, 0), (1, len(POINTS)), (2, 0))
    ]
    assert all(set(visited) == set(POINTS) for visited in passes)
    assert len({tuple(visited) for visited in passes}) == 3
    assert passes[0] == [at_turn(place, 1) for place in range(len(POINTS))]
