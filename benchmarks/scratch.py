"""Installations that are thrown away: a home of its own for every benchmark, and databases in it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from tests import databases

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("CHARTER_CACHE", ROOT / "var" / "cache"))
PACKAGES = ROOT / ".bench-packages"
"""Where `make bench` puts requirements-bench.txt: what Charter's ledger is compared with."""
OURS = ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "LEDGER_KEY", "SECRET_KEY")
"""Variables that lead to an installation; a benchmark must not inherit them."""


@contextmanager
def environment() -> Iterator[dict[str, str]]:
    """Variables for a process whose installation is a folder that is removed at the end."""
    with TemporaryDirectory(prefix="charter-bench-") as home:
        (Path(home) / "static").mkdir()
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        yield {
            **kept,
            "CHARTER_HOME": home,
            "CHARTER_CACHE": str(CACHE),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }


@contextmanager
def sqlite(name: str) -> Iterator[Path]:
    """A fresh migrated SQLite file in this home, which is the default database for the while, with a ledger of its own."""
    from django.conf import settings

    path = databases.migrated_file(Path(settings.CHARTER_HOME) / f"{name}.sqlite3")
    with inside(path):
        yield path


@contextmanager
def inside(path: Path) -> Iterator[None]:
    """The database that `sqlite` made at `path`, once more."""
    from django.test import override_settings

    with (
        databases.pointing_at(f"sqlite:///{path}"),
        override_settings(LEDGER_DIR=path.with_suffix(".ledger")),
    ):
        yield


@contextmanager
def postgres() -> Iterator[bool]:
    """A fresh migrated PostgreSQL database, which is the default one for the while; False where no server answers."""
    with _server() as server, server.copy() if server else nullcontext():
        yield server is not None


@contextmanager
def empty_postgres() -> Iterator[str | None]:
    """The URL of an empty PostgreSQL database, for other processes to migrate; None where no server answers."""
    with _server() as server, server.database("bench") if server else nullcontext() as url:
        yield url


@contextmanager
def _server() -> Iterator[databases.Server | None]:
    try:
        server = databases.Server()
    except psycopg.OperationalError:
        yield None
        return
    with closing(server):
        yield server


def trails(name: str, url: str | None, *arguments: object) -> dict[str, Any]:
    """What benchmarks.trails.NAME finds on the empty database at `url` (None: a SQLite file), in a process and an
    installation of its own that has the scratch app.
    """
    command = [sys.executable, "-m", f"benchmarks.trails.{name}", *map(str, arguments)]
    with environment() as variables:
        variables |= {
            "DATABASE_URL": url or f"sqlite:///{variables['CHARTER_HOME']}/trails.sqlite3",
            "DJANGO_SETTINGS_MODULE": "benchmarks.trails.settings",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{PACKAGES}",
        }
        done = subprocess.run(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def base_model() -> Path:
    """The small base model, built into the cache by a process of its own or found there."""
    command = [sys.executable, "-m", "training.runner.base", str(CACHE)]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return max(CACHE.glob("base-*/"), key=lambda path: path.stat().st_mtime)
