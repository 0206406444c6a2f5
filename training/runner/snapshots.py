"""Going on after a stop: the newest snapshot of this very job whose files are still the ones that were saved."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.runner.job import Job, file_hashes


def newest_intact(job: Job) -> Path | None:
    """The folder of the newest snapshot whose hashes match its `saved` event, or None for a fresh start."""
    for saved in reversed(list(_saved_events(job.folder / "events.jsonl"))):
        snapshot: Path = job.folder / saved["path"]
        if snapshot.is_dir() and file_hashes(snapshot) == saved["files"]:
            job.event("resumed", step=saved["step"], path=saved["path"])
            return snapshot
    return None


def _saved_events(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        event = _parsed(line)
        if event.get("event") == "saved":
            yield event


def _parsed(line: str) -> dict[str, Any]:
    """The event on a line; nothing for a line cut short by a kill."""
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}
