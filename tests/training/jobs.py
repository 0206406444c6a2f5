"""Job folders written by hand, run in this process or in one of their own, and what they left."""

import json
import os
import signal
import subprocess
import sys
import threading
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


def write_pairs(
    folder: Path,
    base: Path,
    rows: Iterable[dict[str, Any]],
    *,
    method: str,
    format: str = "preference",
    columns: dict[str, str] | None = None,
    seed: int = 7,
    inputs: dict[str, list[Any]] | None = None,
    **params: Any,
) -> Path:
    """A job of `method` ("reward" or "dpo") on pairs, small and short unless `params` say otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    used_here = {
        "init_from": [used("model:tiny-base@1", base)],
        "trained_on": [pairs_of(folder, "rows", rows, format=format, columns=columns)],
    }
    small = {
        "learning_rate": "0.001" if method == "reward" else "0.0005",
        "max_steps": 30,
        "per_device_batch_size": 16,
        "max_length": 128,
        "logging_steps": 2,
    }
    module = f"training.runner.{method}"
    return write_job(
        folder, module, params={**small, **params}, inputs={**used_here, **(inputs or {})}, seed=seed
    )


def pairs_of(
    folder: Path,
    name: str,
    rows: Iterable[dict[str, Any]],
    *,
    format: str = "preference",
    columns: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A dataset of pairs as a job's input, its file written into `folder`."""
    data = folder / f"{name}.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return used(f"dataset:{name}@1", data, format=format, columns=columns or {})


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


def output_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each output by its path."""
    return {row["path"]: row["sha256"] for row in result(folder)["outputs"]}


def terminate_when(folder: Path, step: int) -> None:
    """Send this process a SIGTERM once the job in `folder` has told a step."""

    def watch() -> None:
        wait_until(lambda: last_step(folder) >= step)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def kill_and_start_again(folder: Path, step: int) -> None:
    """Run the job in processes of its own: killed once it has told a step, and then to its end."""
    process = start(folder)
    wait_until(lambda: last_step(folder) >= step)
    process.kill()
    assert process.wait() == -9
    assert not (folder / "result.json").exists()
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
