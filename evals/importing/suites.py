"""The suite behind an import: the items that a registered one holds, or a new one made from what the file says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any, NamedTuple

from evals.harness.suite import read_suite
from evals.importing.log import Chosen, Log, Row, TaskTold
from governance.registry import blobs
from governance.registry.actions import Refused
from governance.registry.blobs import digest_file
from governance.registry.importers import BadFile
from governance.registry.kinds.base import plain
from governance.registry.kinds.eval_suite import Content, Task
from governance.registry.models import Version
from training.runner.failures import BadInput


class NewSuite(NamedTuple):
    """A suite to register from the file: its name, the margin of every task, and the metric where the file has several."""

    slug: str
    margin: Decimal
    metric: str | None = None


def margin_of(text: str | None) -> Decimal:
    """A margin as somebody wrote it. Raises Refused unless it is a share between 0 and 1."""
    try:
        margin = Decimal(text or "")
    except InvalidOperation:
        margin = Decimal(0)
    if not (margin.is_finite() and 0 < margin < 1):
        raise Refused(
            "A new suite needs its margin, fixed before anything is compared: a share such as 0.02."
        )
    return margin


def tasks_of(suite: Version, log: Log) -> dict[str, Task]:
    """The suite's terms of the tasks that the file holds. Raises Refused for a task that the suite does not have."""
    known = {task.name: task for task in Content.model_validate(suite.content).tasks}
    if strange := sorted(log.tasks.keys() - known.keys()):
        raise Refused(
            f"{suite.subject} has no task {strange[0]}; its tasks are {', '.join(sorted(known))}. "
            "Import into the suite that was measured, or register one from the file (a new suite)."
        )
    return {name: known[name] for name in log.tasks}


def new_tasks(new: NewSuite, log: Log, filters: Mapping[str, str | None]) -> dict[str, Task]:
    """Terms for the tasks of the file. Raises Refused where a metric must be named first."""
    return {name: _new_task(new, told, filters[name], log) for name, told in log.tasks.items()}


def _new_task(new: NewSuite, told: TaskTold, filter: str | None, log: Log) -> Task:
    metrics = told.metrics[filter] or (new.metric or "score",)
    metric = new.metric or metrics[0]
    if metric not in metrics or (new.metric is None and len(metrics) > 1):
        raise Refused(
            f"The task {told.name} has the metrics {', '.join(metrics)}; name one of them as the new suite's."
        )
    asked_with = (told.generation or {}).get("max_gen_toks")
    fields: dict[str, Any] = {
        "name": told.name, "kind": told.kind, "metric": metric, "higher_is_better": metric not in told.lower_is_better,
        "margin": new.margin, "file": f"items/{told.name}.jsonl", "few_shot": told.few_shot or 0,
        "choices_field": "choices" if told.kind == "multiple_choice" else None,
    }  # fmt: skip
    if isinstance(asked_with, int) and 1 <= asked_with <= 4096:
        fields["max_new_tokens"] = asked_with
    return Task(**fields)


class Known(NamedTuple):
    item: str
    cluster: str | None


@dataclass
class Registered:
    """The items of a registered suite by their hash; of items with one hash only that they are there."""

    suite: Version
    counts: dict[str, int] = field(default_factory=dict)
    known: dict[tuple[str, str], Known | None] = field(default_factory=dict)

    @classmethod
    def of(cls, suite: Version, names: Sequence[str], folder: Path) -> "Registered":
        """Raises MissingBlob, and Refused where the suite's files cannot be read."""
        found, content = cls(suite), dict(suite.content or {})
        place = blobs.lay_out(content["files"], folder / "suite")
        tasks = [task for task in content["tasks"] if task["name"] in names]
        try:
            read = read_suite({**content, "tasks": tasks}, place)
        except BadInput as error:
            raise Refused(f"The items of {suite.subject} cannot be read: {error}") from error
        for task in read:
            found.counts[task.task.name] = len(task.items)
            for item in task.items:
                key = task.task.name, item.hash
                found.known[key] = None if key in found.known else Known(item.id, item.cluster)
        return found

    def placed(self, row: Row) -> tuple[Row, str | None]:
        """The row under the suite's own name for its item, and the item's hash. Raises BadFile for an item of no suite."""
        if row.asked is None:
            return row, None
        digest = _hash(row)
        if (row.task, digest) not in self.known:
            raise BadFile(
                f"{row.place}: the task {row.task} of {self.suite.subject} has no item with this prompt and this target. "
                "Import into the suite that was measured, or register one from the file (a new suite)."
            )
        if known := self.known[row.task, digest]:
            row = row._replace(item=known.item, cluster=row.cluster or known.cluster)
        return row, digest

    def check(self, task: str, n: int, limit: object) -> int:
        """How many items the suite holds. Raises Refused unless all were asked, or the file tells of a limit."""
        held = self.counts[task]
        if n > held or (n < held and limit is None):
            raise Refused(
                f"The file holds {n} items of the task {task}, and {self.suite.subject} {held}; a part of a suite is no "
                "measurement of it, unless the file tells the limit that it was measured with."
            )
        return held


class Made:
    """Items files of a new suite, written while the rows come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "items"
        self._folder.mkdir()
        self._files: dict[str, IO[str]] = {}

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def placed(self, row: Row) -> tuple[Row, str | None]:
        """The row and its item's hash, once the item is written. Raises BadFile where it cannot be an item of a suite."""
        asked = row.asked
        if asked is None or not asked.prompt.strip() or not asked.target.strip():
            raise BadFile(
                f"{row.place}: the prompt or the target is missing, so that no suite can be made of the file. "
                "Import into a registered suite."
            )
        digest = _hash(row)
        if row.task not in self._files:
            self._files[row.task] = (self._folder / f"{row.task}.jsonl").open("w", encoding="utf-8")
        item: dict[str, Any] = {"id": row.item, "prompt": asked.prompt, "target": asked.target}
        if asked.choices:
            item["choices"] = list(asked.choices)
        if row.cluster is not None:
            item["cluster"] = row.cluster
        self._files[row.task].write(json.dumps(item, ensure_ascii=False) + "\n")
        return row, digest

    def content(
        self, new: NewSuite, log: Log, chosen: Mapping[str, Chosen]
    ) -> tuple[dict[str, Any], dict[str, Path]]:
        """The content of the suite and its files by their paths."""
        self.close()
        files = {f"items/{name}.jsonl": self._folder / f"{name}.jsonl" for name in sorted(self._files)}
        entries = []
        for name, path in files.items():
            sha256, size = digest_file(path)
            entries.append({"path": name, "size": size, "sha256": sha256})
        content = {
            "title": f"{new.slug}, as imported",
            "tasks": [plain(chosen[name].task) for name in sorted(chosen)],
            "status": "dev",
            "chat_template": log.settings.get("chat_template_sha256") is not None,
            "source": f"Made from results of {log.harness['name']}.",
            "files": entries,
        }
        return content, files


def _hash(row: Row) -> str:
    """The hash of what was asked. Raises BadFile for text that has none."""
    try:
        return row.asked.hash  # type: ignore[union-attr]
    except ValueError as error:
        raise BadFile(f"{row.place}: this cannot be kept: {error}.") from error
