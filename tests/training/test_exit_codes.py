"""What the commands that start runs exit with, as a shell sees it: one table for all of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line

from tests import builders
from tests.cast import gather
from tests.evals.recorded import suite
from tests.training import faking
from training import states
from training.launchers import local
from training.models import Run

SPEC = """
stage: fake
inputs: {init_from: model:base, trained_on: [dataset:chats]}
params: {steps: 2, mode: %s}
seed: 7
output: {slug: tuned, title: Tuned}
"""
COMMANDS = {
    "launch": ["spec.yaml"],
    "scan": ["dataset:chats"],
    "contamination": ["dataset:chats", "--against", "eval-suite:basics"],
    "evaluate": ["model:base", "eval-suite:basics"],
}
UNKNOWN = {
    "launch": ["nowhere.yaml"],
    "recipe": ["nowhere"],
    "scan": ["dataset:nowhere"],
    "contamination": ["dataset:chats", "--against", "eval-suite:nowhere"],
    "evaluate": ["model:nowhere", "eval-suite:basics"],
}


@pytest.fixture
def home(committed_db, tmp_path, monkeypatch) -> Path:
    gather()
    faking.install()
    builders.model(tmp_path)
    builders.dataset(tmp_path)
    suite(tmp_path, items=2)
    (tmp_path / "spec.yaml").write_text(SPEC % "good")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def code(*words: str) -> int:
    """What `manage.py WORDS` exits with, in this process."""
    try:
        execute_from_command_line(["manage.py", *words])
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


@pytest.mark.parametrize("command", COMMANDS)
def test_queued_is_0_and_a_run_that_fails_is_1(home, command, monkeypatch):
    monkeypatch.setattr(local, "RUNNER", "tests.training.absent")
    words = [command, *COMMANDS[command], "--as", "ada"]
    assert code(*words) == 0
    assert code(*words, "--follow", "--json") == 1
    assert set(Run.objects.values_list("state", flat=True)) == {states.QUEUED, states.FAILED}


@pytest.mark.parametrize("command", UNKNOWN)
def test_refused_and_wrong_usage_are_2_and_queue_nothing(home, command, capsys):
    words = [command, *UNKNOWN[command]]
    for wrong, said in (
        (["--as", "ada"], "nowhere"),
        (["--as", "ravi"], "needs the group engineer"),
        (["--as", "nobody"], "There is no active account"),
        (["--as", "ada", "--nonsense"], "unrecognized arguments"),
    ):
        assert code(*words, *wrong) == 2, wrong
        assert said in capsys.readouterr().err
    assert not Run.objects.exists()


def test_a_recipe_without_a_name_is_2(home):
    assert code("recipe", "--as", "ada") == 2


@pytest.mark.parametrize(("mode", "wanted"), [("good", 0), ("fail", 1)])
def test_a_shell_sees_the_same(home, mode, wanted):
    (home / "spec.yaml").write_text(SPEC % mode)
    program = (
        "import sys, django; django.setup()\n"
        "from tests.training import faking; faking.install()\n"
        "from training.launchers import local; local.RUNNER = faking.FAST_RUNNER\n"
        "from django.core.management import execute_from_command_line as run; run(sys.argv)\n"
    )
    ours = {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(faking.REPO)}
    words = ["launch", str(home / "spec.yaml"), "--follow", "--as", "ada"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env={**os.environ, **ours}, capture_output=True, text=True, cwd=faking.REPO
    )  # fmt: skip
    assert done.returncode == wanted, done.stderr
    assert Run.objects.get().state == (states.SUCCEEDED if wanted == 0 else states.FAILED)
