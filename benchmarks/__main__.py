"""Run the benchmarks, print one table and write one JSON file."""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import scratch
from benchmarks.figures import Aim, Figure, table

PREFIX = "bench_"
WIDTH = 150
"""Columns of the table where there is no terminal."""
OUT = Path(os.environ.get("CHARTER_HOME", scratch.ROOT / "var")) / "bench.json"


class Failed(Exception):
    """A benchmark that ended without all its figures."""


def names() -> list[str]:
    return sorted(path.stem.removeprefix(PREFIX) for path in Path(__file__).parent.glob(f"{PREFIX}*.py"))


def measured(module: str, *, quick: bool) -> list[Figure]:
    """The figures of one benchmark, measured in a process with an installation of its own. Raises Failed."""
    command = [sys.executable, "-m", "benchmarks.child", module, *(["--quick"] if quick else [])]
    with scratch.environment() as variables:
        done = subprocess.run(
            command, cwd=scratch.ROOT, env=variables, stdout=subprocess.PIPE, text=True, check=False
        )
    if done.returncode:
        raise Failed(f"{module} ended with exit code {done.returncode}; what it said stands above.")
    return [_figure(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


def _figure(told: dict[str, Any]) -> Figure:
    return Figure(**{**told, "aim": Aim(**told["aim"]) if told["aim"] else None})


def report(figures: Sequence[Figure], *, quick: bool) -> dict[str, Any]:
    """All that was found, and on what: cores, interpreter and system, no names."""
    machine = {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2),
    }
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"at": at, "machine": machine, "quick": quick, "figures": [figure.as_json() for figure in figures]}


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 done, 1 a benchmark failed, 2 wrong usage. An aim that is missed is no failure: the table says it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names(), default=names(), help="which benchmarks to run")
    parser.add_argument(
        "--quick", action="store_true", help="little data and few rounds: whether they run, no more"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="the JSON file (%(default)s)")
    options = parser.parse_args(arguments)
    console, figures, failures = Console(width=None if sys.stdout.isatty() else WIDTH), [], []
    for name in options.only:
        try:
            with console.status(f"Measuring {name}…"):
                figures += measured(f"benchmarks.{PREFIX}{name}", quick=options.quick)
        except Failed as error:
            failures.append(str(error))
    console.print(table(figures))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps(report(figures, quick=options.quick), indent=1) + "\n", encoding="utf-8"
    )
    console.print(f"Written: {options.out}", *failures, sep="\n", highlight=False)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
