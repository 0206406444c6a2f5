"""Parquet through a process of its own: the library that reads it is large and has read strangers' files wrongly before.

`python -m governance.registry.datasets.parquet IN OUT` writes JSON Lines; it alone imports pyarrow.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.registry.datasets.faults import BadData

ROOT = Path(__file__).resolve().parents[3]
MODULE = "governance.registry.datasets.parquet"


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A temporary JSON Lines file with the rows of the Parquet file at `path`. Raises BadData."""
    with tempfile.TemporaryDirectory(prefix="charter-parquet-") as folder:
        lines = Path(folder) / "rows.jsonl"
        unpack(path, lines)
        yield lines


def unpack(path: Path, lines: Path) -> None:
    """Write the rows of a Parquet file to `lines`. Raises BadData with the reader's own words, OSError for a full disk."""
    done = subprocess.run(  # noqa: S603 -- our own module
        [sys.executable, "-m", MODULE, str(path.resolve()), str(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    said = done.stderr.strip().splitlines()
    if done.returncode == 1 and said:
        raise BadData(said[-1])
    if done.returncode == 3 and said:
        raise OSError(said[-1])
    raise BadData(
        f"{path.name} could not be read: its reader ended with code {done.returncode}, for lack of memory as a rule"
    )
