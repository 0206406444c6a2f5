"""One file lock per GPU. The job's process inherits the lock and holds it as long as it lives, whoever started it."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

from training.launchers.base import NoFreeDevice


def visible() -> list[str]:
    """The GPUs of this host that we may use, by the names that CUDA_VISIBLE_DEVICES takes."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [part.strip() for part in named.split(",") if part.strip()]
    if not (tool := shutil.which("nvidia-smi")):
        return []
    listed = subprocess.run([tool, "--list-gpus"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    return [
        str(index)
        for index, _ in enumerate(line for line in listed.stdout.splitlines() if line.startswith("GPU "))
    ]


def allot(folder: Path) -> tuple[str, IO[bytes]] | None:
    """A free GPU and its held lock file, or None where there is no GPU. Raises NoFreeDevice."""
    names = visible()
    for name in names:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{name}.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return name, lock
    if names:
        raise NoFreeDevice(f"All {len(names)} GPUs of this host are taken.")
    return None
