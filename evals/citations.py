"""Evaluation items that test principles: declared by their task for all of them, or named by single items."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from governance.registry import blobs
from governance.registry.citations import Found
from governance.registry.datasets.citing import cited
from governance.registry.kinds.eval_suite import Content, Task
from governance.registry.models import Version


def of_items(version: Version) -> Iterator[Found]:
    """What the tasks of a suite cite, with their numbers of items; 1 where the items cannot be read any more."""
    if version.kind != "eval-suite":
        return
    content = Content.model_validate(version.content)
    files = {entry.path: entry.sha256 for entry in content.files}
    for task in content.tasks:
        declared = set(task.cites)
        items, named = _counts(task, files[task.file])
        yield from (Found("eval", cite, f"task {task.name}", items or 1) for cite in sorted(declared))
        for cite, count in sorted(named.items()):
            if cite not in declared:
                yield Found("eval", cite, f"items of task {task.name}", count)


def _counts(task: Task, sha256: str) -> tuple[int, Counter[str]]:
    """(items of the task, what single items name → how many of them)."""
    items, named = 0, Counter[str]()
    try:
        for row in _rows(sha256):
            if all(row.get(name) == value for name, value in (task.only or {}).items()):
                items += 1
                named.update(cited(row).cites)
    except (blobs.MissingBlob, ValueError, RecursionError):
        return 0, Counter()
    return items, named


def _rows(sha256: str) -> Iterator[dict[str, Any]]:
    with blobs.opened(sha256) as file:
        for line in file:
            if line.strip() and isinstance(row := json.loads(line), dict):
                yield row
