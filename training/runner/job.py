"""One job folder: read what to do, write what happened. The contract stands in this package's docstring."""

import hashlib
import json
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from governance.ledger.decimals import decimal_text
from training.runner.failures import BadInput, Cancelled, FailureClass, JobUnreadable

HEARTBEAT_SECONDS = 2.0
PROGRESS_SECONDS = 0.5

Status = Literal["succeeded", "cancelled", "failed"]


class JobInput(BaseModel):
    """One pinned version that the job uses, with the place of its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    digest: str
    kind: str
    path: Path | None
    content: dict[str, Any]

    def files_at(self) -> Path:
        """The path of the version's files; raises BadInput where it has none or they are gone."""
        if self.path is None:
            raise BadInput(f"{self.subject} has no files, and this stage reads its files.")
        if not self.path.exists():
            raise BadInput(
                f"The files of {self.subject} are not at {self.path} any more. Restore or register them."
            )
        return self.path


class JobFile(BaseModel):
    """What `job.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    stage: str
    module: str
    params: dict[str, Any]
    seed: int
    inputs: dict[str, list[JobInput]]


class Job:
    """A running job. `start()` before any work; the runner calls `finish()` exactly once, last."""

    def __init__(self, folder: Path) -> None:
        """Read `folder/job.json`; raises JobUnreadable when that is not a job."""
        self.folder = folder.resolve()
        self.file = _read_job_file(self.folder)
        self.run, self.stage, self.module = self.file.run, self.file.stage, self.file.module
        self.params, self.seed, self.inputs = self.file.params, self.file.seed, self.file.inputs
        self.output_dir = self.folder / "outputs"
        self.snapshot_dir = self.folder / "snapshots"
        self.leads = os.environ.get("RANK", "0") == "0"
        # A flag and no Event: a signal may interrupt whoever holds an Event's lock.
        self._stop_asked = False
        self._heart_stopped = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._last_progress = 0.0
        self._started = time.monotonic()

    def start(self) -> None:
        """Take the folder over: forget an older result and its outputs, start the heartbeat, hear signals."""
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)
        if not self.leads:
            return
        (self.folder / "result.json").unlink(missing_ok=True)
        shutil.rmtree(self.output_dir, ignore_errors=True)
        self.output_dir.mkdir()
        self._touch_heartbeat()
        self._heart.start()
        self.event("started", run=self.run, stage=self.stage, pid=os.getpid(), host=socket.gethostname())

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._stop_asked

    def stop_if_cancelled(self) -> None:
        """Raise Cancelled when a stop was asked for; call it between pieces of work that save nothing."""
        if self.cancelled:
            raise Cancelled("Stopped on request before there was anything to save.")

    def the_input(self, role: str) -> JobInput:
        """The one input in a role; raises BadInput unless there is exactly one."""
        found = self.inputs.get(role, [])
        if len(found) != 1:
            raise BadInput(
                f"The stage {self.stage} needs exactly one input as {role}; the run names {len(found)}."
            )
        return found[0]

    def event(self, name: str, /, **data: Any) -> None:
        """Append one event; fractions become decimal text."""
        self._append("events.jsonl", {"at": _now(), "event": name, **_as_json(data)})

    def phase(self, name: str, /, **data: Any) -> None:
        """Say that the next part of the work begins; stops here when a stop was asked for."""
        self.stop_if_cancelled()
        self.event("phase", name=name, **data)

    def metrics(self, step: int, values: Mapping[str, float | Decimal | int]) -> None:
        """Append the measured values of one step; a value that is not finite becomes an event instead."""
        texts = {name: _number_text(value) for name, value in values.items()}
        finite = {name: text for name, text in texts.items() if not _is_odd(text)}
        odd = {name: text for name, text in texts.items() if _is_odd(text)}
        if finite:
            self._append("metrics.jsonl", {"step": step, "at": _now(), "values": finite})
        if odd:
            self.event("not_finite", step=step, values=odd)

    def progress(self, done: int, total: int, unit: str) -> None:
        """Say how far the work is; kept to two lines a second, but the last step is always told."""
        now = time.monotonic()
        if done >= total or now - self._last_progress >= PROGRESS_SECONDS:
            self._last_progress = now
            self.event("progress", done=done, total=total, unit=unit)

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder at once and durably; fractions become decimal text."""
        if self.leads:
            _write_whole(self.folder / name, json.dumps(_as_json(data), indent=1, sort_keys=True) + "\n")

    def finish(
        self,
        status: Status,
        reason: str | None = None,
        failure_class: FailureClass | None = None,
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the last event, stop the heartbeat and, last of all, write `result.json`."""
        if not self.leads:
            return
        self._tell_the_end(status, reason, failure_class)
        result = {
            "status": status,
            "reason": reason,
            "failure_class": failure_class,
            "outputs": file_hashes(self.output_dir),
            "summary": dict(summary or {}),
        }
        self._heart_stopped.set()
        if self._heart.is_alive():
            self._heart.join()
        # If we die before this rename, the folder holds no result and the supervisor calls the job dead.
        self.write_json("result.json", result)

    def _tell_the_end(self, status: Status, reason: str | None, failure_class: FailureClass | None) -> None:
        if status == "failed":
            self.event("failed", failure_class=failure_class, reason=reason)
        else:
            seconds = Decimal(f"{time.monotonic() - self._started:.3f}")
            self.event("finished", status=status, seconds=seconds, reason=reason)

    def _ask_to_stop(self, _signal: int, _frame: Any) -> None:
        self._stop_asked = True

    def _beat(self) -> None:
        while not self._heart_stopped.wait(HEARTBEAT_SECONDS):
            self._touch_heartbeat()

    def _touch_heartbeat(self) -> None:
        (self.folder / "heartbeat").touch()

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        if not self.leads:
            return
        line = json.dumps(row, ensure_ascii=False) + "\n"
        with (self.folder / name).open("a", encoding="utf-8") as stream:
            stream.write(line)


def file_hashes(folder: Path) -> list[dict[str, Any]]:
    """Path (relative, `/`), size in bytes and SHA-256 of every regular file below a folder, sorted by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [
        {
            "path": path.relative_to(folder).as_posix(),
            "size": path.stat().st_size,
            "sha256": file_sha256(path),
        }
        for path in files
    ]


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_job_file(folder: Path) -> JobFile:
    path = folder / "job.json"
    try:
        return JobFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise JobUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise JobUnreadable(f"{path} is not a job file: {error}") from error


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return _number_text(value)
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_json(item) for item in value]
    return str(value)


def _number_text(value: float | Decimal | int) -> str:
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    return decimal_text(number) if number.is_finite() else str(number).lower().replace("infinity", "inf")


def _is_odd(text: str) -> bool:
    return text in ("nan", "inf", "-inf")
