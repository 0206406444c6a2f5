"""Governed runs against the bare TRL script: same base, rows, steps and seed, in pairs."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from benchmarks import scratch
from benchmarks.figures import Aim, Figure
from benchmarks.paired import alternating
from governance.registry import actions, importers
from tests.builders import ADA, write_lines
from tests.cast import gather
from training import actions as training
from training import stages, supervisor
from training.launchers.environment import job_environment
from training.models import Run
from training.spec import SpecDraft
from training.tiny import world

SEED = 7
RATE, BATCH, LENGTH, LOGGING = Decimal("0.0005"), 8, 256, 5
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "sft": ("chats", {}),
    # A bare script keeps no pairs out and measures nothing on them.
    "reward": ("pairs", {"held_out": Decimal(0)}),
    "dpo": ("pairs", {"held_out": Decimal(0)}),
}
"""Stage → data set, and what is set so that both sides do the same work."""
ROWS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "chats": lambda: world.sft(SEED),
    "pairs": lambda: world.preferences(SEED, rows=800),
}


class Unfair(Exception):
    """The two sides did not do the same work."""


@dataclass
class Sides:
    """What both sides of one method told, pair by pair."""

    loops: dict[str, list[float]] = field(default_factory=lambda: {"governed": [], "bare": []})
    losses: dict[str, list[float]] = field(default_factory=lambda: {"governed": [], "bare": []})
    recording: list[float] = field(default_factory=list)
    """Share of the loop that was spent in Charter's callback, as the run's summary says."""

    def note(self, side: str, told: dict[str, Any]) -> None:
        self.loops[side].append(float(told["train_seconds"]))
        self.losses[side].append(float(told["final_loss"]))


def figures(quick: bool) -> Iterator[Figure]:
    """Of each method: the whole, the training loop, the callback's share, and whether the losses are the same."""
    steps, pairs = (LOGGING, 1) if quick else (60, 6)
    base = scratch.base_model()
    with scratch.sqlite("training"):
        gather()
        _register(base)
        for method in [name for name in METHODS if name in {stage.name for stage in stages.known()}]:
            yield from _compared(method, base, steps, pairs)


def _compared(method: str, base: Path, steps: int, pairs: int) -> Iterator[Figure]:
    told = Sides()
    seconds = alternating(
        {
            "governed": lambda: governed(method, steps, told),
            "bare": lambda: bare(method, base, steps, told),
        },
        pairs,
    )
    extra = [one - other for one, other in zip(seconds["governed"], seconds["bare"], strict=True)]
    gap = [abs(a - b) for a, b in zip(told.losses["governed"], told.losses["bare"], strict=True)]
    whole = f"{method}, {steps} steps: from the queue to the sealed version"
    yield Figure(whole, "s", seconds["governed"], seconds["bare"], "bare script")
    yield Figure(f"{method}: seconds that governing adds to a run", "s", extra, aim=Aim("value", 5))
    yield Figure(
        f"{method}: training loop",
        "s",
        told.loops["governed"],
        told.loops["bare"],
        "bare loop",
        Aim("ratio", 1.05),
    )
    yield Figure(f"{method}: callback's share of the loop", "share", told.recording, aim=Aim("value", 0.01))
    yield Figure(f"{method}: difference of the last loss", "nats", gap, aim=Aim("value", 0))


def governed(method: str, steps: int, told: Sides) -> float:
    """Seconds from queueing a run to its sealed version, by a worker in this process and a job in its own."""
    data, more = METHODS[method]
    draft = SpecDraft(
        stage=method,
        inputs={"init_from": ["model:base"], "trained_on": [f"dataset:{data}"]},
        params={
            "max_steps": steps,
            "learning_rate": RATE,
            "per_device_batch_size": BATCH,
            "max_length": LENGTH,
            "logging_steps": LOGGING,
            **more,
        },
        seed=SEED,
        output={"slug": f"{method}-out", "title": "Measured"},
    )
    begun = time.perf_counter()
    run = training.queue(draft, actor=ADA)
    supervisor.execute(run.pk, "bench")
    seconds = time.perf_counter() - begun
    job = _summary(run.pk)
    told.note("governed", job)
    told.recording.append(float(job["recording_seconds"]) / float(job["train_seconds"]))
    return seconds


def _summary(key: UUID) -> dict[str, Any]:
    run = Run.objects.select_related("activity").get(pk=key)
    if run.state != "succeeded" or run.activity is None:
        raise Unfair(f"{run.label}: {run.state}. {run.reason}")
    return dict(run.activity.summary["job"])


def bare(method: str, base: Path, steps: int, told: Sides) -> float:
    """Seconds of the whole script, in the same environment as a job."""
    folder = Path(settings.CHARTER_HOME) / "bare" / f"{method}-{len(told.losses['bare'])}"
    folder.mkdir(parents=True)
    spec = {
        "base": str(base),
        "data": str(Path(settings.CHARTER_HOME) / f"{METHODS[method][0]}.jsonl"),
        "seed": SEED,
        "steps": steps,
        "rate": float(RATE),
        "batch": BATCH,
        "length": LENGTH,
        "logging": LOGGING,
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    command = [sys.executable, "-m", "benchmarks.bare", method, str(folder)]
    begun = time.perf_counter()
    with (folder / "log.txt").open("w") as log:
        done = subprocess.run(
            command,
            cwd=folder,
            env=job_environment(scratch.ROOT, scratch.CACHE),
            stdout=log,
            stderr=log,
            check=False,
        )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise Unfair(f"The bare script failed: {(folder / 'log.txt').read_text()[-2_000:]}")
    told.note("bare", json.loads((folder / "told.json").read_text()))
    return seconds


def _register(base: Path) -> None:
    about = {
        "description": "Generated.",
        "licence": "Apache-2.0",
        "source_type": "synthetic",
        "source": "a benchmark",
    }
    model = importers.read("model", base, {"description": "Small.", "licence": "Apache-2.0"})
    actions.register("model", "base", model.content, files=model.files, actor=ADA)
    for name, rows in ROWS.items():
        path = write_lines(Path(settings.CHARTER_HOME) / f"{name}.jsonl", rows())
        read = importers.read("dataset", path, dict(about))
        actions.register("dataset", name, read.content, files=read.files, actor=ADA)
