"""Job folders written by hand, run in this process or in one of their own, and what they left."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
DIGEST = "0" * 64


def used(subject: str, path: Path | None, **content: Any) -> dict[str, Any]:
    kind = subject.partition(":")[0]
    return {
        "subject": subject,
        "digest": DIGEST,
        "kind": kind,
        "path": path and str(path),
        "content": content,
    }


def write_job(
    folder: Path,
    module: str,
    *,
    params: dict[str, Any],
    inputs: dict[str, list[Any]] | None = None,
    seed: int = 7,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    job = {
        "run": "run-1",
        "stage": "test",
        "module": module,
        "params": params,
        "seed": seed,
        "inputs": inputs or {},
    }
    (folder / "job.json").write_text(json.dumps(job))
    return folder


def write_sft(
    folder: Path,
    base: Path,
    rows: Iterable[dict[str, Any]],
    *,
    format: str = "messages",
    seed: int = 7,
    columns: dict[str, str] | None = None,
    **params: Any,
) -> Path:
    """A fine-tuning job on `rows`, small and short unless `params` say otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inputs = {
        "init_from": [used("model:tiny-base@1", base)],
        "trained_on": [used("dataset:rows@1", data, format=format, columns=columns or {})],
    }
    small = {
        "learning_rate": "0.001",
        "max_steps": 30,
        "per_device_batch_size": 16,
        "max_length": 128,
        "logging_steps": 2,
    }
    return write_job(folder, "training.runner.sft", params={**small, **params}, inputs=inputs, seed=seed)


def run_here(folder: Path) -> int:
    from training.runner.__main__ import main

    return main([str(folder)])


def start(folder: Path) -> subprocess.Popen[bytes]:
    log = (folder / "log.txt").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "training.runner", str(folder)], cwd=REPO, stdout=log, stderr=log
    )


def wait_until(met: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def events(folder: Path, name: str) -> list[dict[str, Any]]:
    return [event for event in lines(folder / "events.jsonl") if event["event"] == name]


def last_step(folder: Path) -> int:
    return max((line["step"] for line in lines(folder / "metrics.jsonl")), default=0)


def result(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "result.json").read_text())
