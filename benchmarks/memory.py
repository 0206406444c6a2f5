"""What a process took at most, as the kernel tells it at the end."""

import os
import subprocess
import sys
from pathlib import Path

UNIT = 1024 if sys.platform == "linux" else 1
"""Bytes in one unit of `ru_maxrss`."""


def peak(*arguments: str, cwd: Path | None = None) -> int:
    """The most memory, in bytes, that `python ARGUMENTS` took. Raises RuntimeError where it fails."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=cwd, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"`{' '.join(arguments)}` ended with exit code {process.returncode}")
    return used.ru_maxrss * UNIT
