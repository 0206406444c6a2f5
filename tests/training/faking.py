"""What the training tests share: a stage whose job misbehaves on demand, its inputs, and workers to kill."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from governance.ledger.models import Entry
from governance.registry.models import Activity
from tests import builders
from training import actions, products, stages
from training.methods import RoleSpec
from training.models import Lease, Run
from training.spec import SpecDraft
from training.stages import StageKind

FAST_RUNNER = "tests.training.fast_runner"
REPO = Path(__file__).resolve().parents[2]


class Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    steps: int = 3
    pause: str = "0.02"
    mode: Literal["good", "lie", "extra", "fail", "die", "stubborn"] = "good"


FAKE = StageKind(
    name="fake",
    title="Fake training",
    params=Params,
    roles={"init_from": RoleSpec(("model",)), "trained_on": RoleSpec(("dataset",), many=True)},
    module="tests.training.fake_job",
    activity_kind="training",
    finish=products.model_from,
    has_output=True,
)


def install() -> None:
    stages.register(FAKE)


def fake(folder: Path, **params: Any) -> SpecDraft:
    """A spec of the fake stage on a model and a dataset that this makes."""
    install()
    builders.model(folder)
    builders.dataset(folder)
    return spec(**params)


def spec(**params: Any) -> SpecDraft:
    """A spec of the fake stage on the model and the dataset that `builders` make by default."""
    return SpecDraft(
        stage="fake",
        inputs={"init_from": ["model:base"], "trained_on": ["dataset:chats"]},
        params=params,
        seed=7,
        output={"slug": "tuned", "title": "Tuned"},
    )


def queued(folder: Path, **params: Any) -> Run:
    return actions.queue(fake(folder, **params), actor=builders.ADA)


def fresh(run: Run) -> Run:
    return Run.objects.select_related("activity", "recipe", "lease").get(pk=run.pk)


def ops(run: Run) -> list[str]:
    """What the ledger says about the run, in order, without the common scope."""
    entries = Entry.objects.filter(object_type="training.run", object_id=str(run.pk)).order_by("rev")
    return [entry.op.removeprefix("training:").removeprefix("run:") for entry in entries]


def activity_of(run: Run) -> Activity:
    """The one activity of a run; fails when there are two."""
    return Activity.objects.get(summary__run=str(run.pk))


def worker(run: Run, **environment: str) -> "subprocess.Popen[bytes]":
    """A worker in a process of its own that takes the run."""
    code = (
        "import sys, uuid, django; django.setup()\n"
        "from tests.training import faking; faking.install()\n"
        "from training import supervisor; supervisor.TICK_SECONDS = 0.05\n"
        "from training.launchers import local; local.RUNNER = faking.FAST_RUNNER\n"
        "supervisor.execute(uuid.UUID(sys.argv[1]), 'doomed')\n"
    )
    settings = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.Popen(
        [sys.executable, "-c", code, str(run.pk)], cwd=REPO, env={**os.environ, **settings, **environment}
    )


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until `true()` holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def is_at_step(run: Run, step: int) -> Callable[[], bool]:
    return lambda: run.metrics.filter(step__gte=step).exists()


def job_pid(run: Run) -> int:
    return int(Lease.objects.get(run=run).handle["pid"])
