"""What a job says at its end, and whether its files are what it says."""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from governance.ledger.canonical import CanonicalError, canonical, loads
from governance.registry.kinds.base import FileEntry, faults, plain
from governance.registry.weights import manifest


class BadResult(ValueError):
    """A result that cannot be believed. The message says what does not fit."""


class Result(BaseModel):
    """`result.json`, as described in training/runner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["succeeded", "cancelled", "failed"]
    reason: str | None
    failure_class: str | None
    outputs: list[FileEntry]
    summary: dict[str, Any]

    @property
    def manifest(self) -> list[dict[str, Any]]:
        """The outputs as plain rows, sorted by path."""
        return sorted((dict(plain(entry)) for entry in self.outputs), key=lambda row: str(row["path"]))


def read(folder: Path) -> Result | None:
    """The result in a job folder, or None when the job left none. Raises BadResult for one that is not as agreed."""
    path = folder / "result.json"
    try:
        found = plain(loads(path.read_text(encoding="utf-8")))
        canonical(found)
        return Result.model_validate(found)
    except FileNotFoundError:
        return None
    except (CanonicalError, UnicodeDecodeError) as error:
        raise BadResult(f"The job's result.json cannot be read: {error}.") from error
    except ValidationError as error:
        field, rule = next(iter(faults(error)))
        raise BadResult(f"The job's result.json is not as agreed: {field}: {rule}.") from error


def check_outputs(result: Result, outputs: Path) -> None:
    """Hash every file under `outputs` and compare with the result. Raises BadResult naming the first that differs."""
    links = sorted(path.name for path in outputs.rglob("*") if path.is_symlink())
    if links:
        raise BadResult(f"The output {links[0]} is a symbolic link; outputs are files.")
    told = {row["path"]: row for row in result.manifest}
    found = {row["path"]: row for row in manifest(outputs)}
    for path in sorted(told.keys() | found.keys()):
        if told.get(path) != found.get(path):
            raise BadResult(_difference(path, told.get(path), found.get(path)))


def _difference(path: str, told: Mapping[str, Any] | None, found: Mapping[str, Any] | None) -> str:
    if told is None:
        return f"The job did not list its output {path}; an unlisted file is not taken."
    if found is None:
        return f"The job lists the output {path}, which is not there."
    return (
        f"The output {path} has changed since the job hashed it: {found['size']} bytes with SHA-256 {found['sha256']},"
        f" not {told['size']} with {told['sha256']}. Nothing was sealed; retry the run."
    )


class Failure(NamedTuple):
    """Why a run failed: a class for machines, a sentence for people."""

    failure_class: str
    reason: str


def died(code: int | None, folder: Path) -> Failure:
    """A job process that left no result. `code` as in `Ended`."""
    if code is None:
        how = "ended, and its worker was not there to see how"
    elif code < 0:
        killed = " (killed, or out of memory)" if code == -9 else ""
        how = f"ended with signal {-code}{killed}"
    else:
        how = f"ended with exit code {code}"
    said = last_line(folder / "log.txt")
    return Failure(
        "process_died", f"The job process {how} and left no result.{f' It last said: {said}' if said else ''}"
    )


def last_line(log: Path, length: int = 300) -> str:
    """The last line with something in it, cut to `length` characters; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            lines = file.read().decode(errors="replace").replace("\0", "").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:length] for line in reversed(lines) if line.strip()), "")


def disk_is_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
