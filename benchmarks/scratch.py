"""Installations that are thrown away: a home of its own for every benchmark, and databases in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("CHARTER_CACHE", ROOT / "var" / "cache"))
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

    from tests import databases

    path = databases.migrated_file(Path(settings.CHARTER_HOME) / f"{name}.sqlite3")
    with inside(path):
        yield path


@contextmanager
def inside(path: Path) -> Iterator[None]:
    """The database that `sqlite` made at `path`, once more."""
    from django.test import override_settings

    from tests import databases

    with (
        databases.pointing_at(f"sqlite:///{path}"),
        override_settings(LEDGER_DIR=path.with_suffix(".ledger")),
    ):
        yield


@contextmanager
def postgres() -> Iterator[bool]:
    """A fresh migrated PostgreSQL database, which is the default one for the while; False where no server answers."""
    import pytest

    from tests import databases

    try:
        server = databases.Server()
    except pytest.skip.Exception:
        yield False
        return
    try:
        with server.copy():
            yield True
    finally:
        server.close()


def base_model() -> Path:
    """The small base model, built into the cache by a process of its own or found there."""
    command = [sys.executable, "-m", "training.runner.base", str(CACHE)]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return max(CACHE.glob("base-*/"), key=lambda path: path.stat().st_mtime)
