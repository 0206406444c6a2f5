"""A run's job folder: the inputs laid out and checked, `job.json`, and what is swept away at the end."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from governance.registry import blobs
from governance.registry.models import Version
from training import stages, store
from training.models import Run

Inputs = Mapping[str, Sequence[Version]]


def of(run: Run) -> Path:
    """Where the job of `run` works. It may not exist yet."""
    return Path(settings.CHARTER_HOME) / "runs" / str(run.id)


def prepare(run: Run, inputs: Inputs) -> Path:
    """Lay out the inputs and write `job.json`; done again, it mends what a dead worker left. Raises OSError, MissingBlob."""
    folder = of(run)
    folder.mkdir(parents=True, exist_ok=True)
    store.end_last_line(folder)
    spec = run.parsed
    job = {
        "run": str(run.id),
        "stage": run.stage,
        "module": stages.get(run.stage).module,
        "seed": spec.seed,
        "params": dict(run.spec["params"]),
        "inputs": {
            role: [
                _input(version, folder / "inputs" / role / str(place))
                for place, version in enumerate(versions)
            ]
            for role, versions in inputs.items()
        },
    }
    _write(folder / "job.json", json.dumps(job, indent=1, ensure_ascii=False, sort_keys=True))
    return folder


def _input(version: Version, place: Path) -> dict[str, Any]:
    files = (version.content or {}).get("files") or []
    if files:
        blobs.lay_out(files, place)
    # A dataset is the one file that it holds; everything else is a folder.
    path = place / files[0]["path"] if version.kind == "dataset" and len(files) == 1 else place
    return {
        "subject": version.subject,
        "digest": version.digest,
        "kind": version.kind,
        "path": str(path) if files else None,
        "content": version.content,
    }


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def sweep(folder: Path, *, outputs: bool) -> None:
    """Remove the inputs, which are blobs anyway, and with `outputs` what has become blobs by now."""
    for name in ("inputs", "outputs") if outputs else ("inputs",):
        shutil.rmtree(folder / name, ignore_errors=True)
