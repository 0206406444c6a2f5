"""From a job's files to rows and blobs. Everything here may be done twice and leaves the same."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from governance.ledger.canonical import canonical
from governance.registry import blobs
from training.models import MetricRow, Run, RunEvent
from training.outcome import Result

logger = logging.getLogger("charter.training")

CHUNK = 4 * 2**20
LONGEST_LINE = 2**20
RECORDS = {
    "metrics_sha256": "metrics.jsonl",
    "events_sha256": "events.jsonl",
    "environment_sha256": "environment.json",
    "config_sha256": "config.json",
}
"""Field of an activity's summary → file of the job folder whose blob it names."""


class Tail:
    """A file of JSON lines that somebody else writes. Only whole lines are read, each once, with its number from 1."""

    def __init__(self, path: Path, seen: int = 0) -> None:
        """`seen` lines were read by an earlier reader."""
        self.path, self.seen = path, seen
        self._offset = self._number = 0

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """New lines up to the last line break, in order. Lines that hold no JSON object are counted and passed over."""
        for line in self._new_lines():
            self._number += 1
            if self._number > self.seen and (row := _object(line, self.path.name, self._number)) is not None:
                yield self._number, row

    def _new_lines(self) -> Iterator[bytes]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            while chunk := file.read(CHUNK):
                whole, newline, _ = chunk.rpartition(b"\n")
                if not newline and len(chunk) < CHUNK:
                    return
                # A line that fills the whole chunk is dropped; what follows it counts as that line.
                if not newline:
                    self._offset += len(chunk)
                    continue
                self._offset += len(whole) + 1
                file.seek(self._offset)
                yield from whole.split(b"\n")


def _object(line: bytes, name: str, number: int) -> dict[str, Any] | None:
    try:
        # PostgreSQL keeps no NUL in text.
        row = json.loads(line.replace(b"\\u0000", b"")) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        logger.warning("line %s of %s is no JSON object; passed over", number, name)
        return None
    return row


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)
    at: AwareDatetime


class _Event(_Line):
    model_config = ConfigDict(frozen=True, extra="allow")
    event: Annotated[str, Field(max_length=40)]


class _Metric(_Line):
    step: Annotated[int, Field(ge=0, lt=2**31)]
    values: dict[str, str]


class Recorder:
    """Stores what the job of `run` tells, from where an earlier recorder stopped."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.run = run
        self.events = Tail(folder / "events.jsonl", _last(RunEvent, run))
        self.metrics = Tail(folder / "metrics.jsonl", _last(MetricRow, run))

    def record(self) -> None:
        """Store the new lines. Of the progress told since the last call only the newest is kept."""
        events = _thinned([row for seq, line in self.events.read() if (row := self._event(seq, line))])
        RunEvent.objects.bulk_create(events, ignore_conflicts=True, batch_size=500)
        metrics = [found for seq, line in self.metrics.read() if (found := self._metric(seq, line))]
        MetricRow.objects.bulk_create(metrics, ignore_conflicts=True, batch_size=500)

    def _event(self, seq: int, line: dict[str, Any]) -> RunEvent | None:
        try:
            found = _Event.model_validate(line)
        except ValidationError:
            return None
        return RunEvent(run=self.run, seq=seq, at=found.at, name=found.event, data=found.model_extra)

    def _metric(self, seq: int, line: dict[str, Any]) -> MetricRow | None:
        try:
            found = _Metric.model_validate(line)
        except ValidationError:
            return None
        return MetricRow(run=self.run, seq=seq, step=found.step, at=found.at, values=found.values)


def _last(model: type[RunEvent] | type[MetricRow], run: Run) -> int:
    return model.objects.filter(run=run).order_by("-seq").values_list("seq", flat=True).first() or 0


def _thinned(events: list[RunEvent]) -> list[RunEvent]:
    newest = max((event.seq for event in events if event.name == "progress"), default=0)
    return [event for event in events if event.name != "progress" or event.seq == newest]


def end_last_line(folder: Path) -> None:
    """Close the line that a killed job left half-written, so that its successor's first line is not glued to it."""
    for name in ("events.jsonl", "metrics.jsonl"):
        path = folder / name
        if path.exists() and path.stat().st_size and not _ends_with_newline(path):
            with path.open("ab") as file:
                file.write(b"\n")


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def keep_records(folder: Path) -> dict[str, str]:
    """Store the job's records as blobs. Returns field of the summary → SHA-256. Raises OSError."""
    return {
        name: blobs.put(folder / file).sha256 for name, file in RECORDS.items() if (folder / file).is_file()
    }


def keep_outputs(result: Result, outputs: Path) -> str:
    """Store every output and the manifest that lists them as blobs. Returns the manifest's SHA-256. Raises OSError."""
    for entry in result.outputs:
        blobs.put(outputs / entry.path)
    return blobs.put_bytes(canonical(result.manifest)).sha256
