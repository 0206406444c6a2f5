"""A file is a stream: reading 200 MB takes no more memory than reading 10."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")
READ = """
import json, sys
from pathlib import Path
from governance.registry import datasets
from governance.registry.datasets import copies
path, how, cache = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
if how == "inspect":
    rows = datasets.inspect(path).rows
elif how == "rows":
    rows = sum(1 for _ in datasets.rows_of(path))
else:
    copies.make(cache, path, "a" * 64)
    rows = 0
# Not getrusage: its peak is inherited from the process that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"rows": rows, "kib": int(peak.split()[1])}))
"""
ROWS = {"small": 10_000, "large": 200_000}
MOST_MORE = 32 * 1024
"""KiB that the large file may take beyond the small one."""


def peak(path: Path, how: str) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), how, str(path.parent / "cache" / path.stem)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    return json.loads(done.stdout)


def write(path: Path, rows: int) -> None:
    """A kilobyte a row."""
    with path.open("w") as out:
        if path.suffix == ".csv":
            out.write("prompt,completion\n")
            out.writelines(f'"{number}","{"x" * 990}"\n' for number in range(rows))
        else:
            out.writelines(
                json.dumps({"prompt": str(number), "completion": "x" * 960}) + "\n" for number in range(rows)
            )


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="this system does not tell a process its peak of memory")
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@pytest.mark.parametrize("how", ["inspect", "rows", "copy"])
def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path, ending, how):
    taken = {}
    for name, rows in ROWS.items():
        path = tmp_path / f"{name}.{ending}"
        write(path, rows)
        taken[name] = peak(path, how)
        assert taken[name]["rows"] == (0 if how == "copy" else rows)
    assert path.stat().st_size > 190_000_000
    assert taken["large"]["kib"] - taken["small"]["kib"] < MOST_MORE, taken
