"""Every test has a home of its own; tests that commit get a fresh copy of a prepared database."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections

# Playwright's synchronous interface runs an event loop in the test's thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings, monkeypatch) -> Path:
    """An empty CHARTER_HOME, for this process and its children; the built base model's cache is shared."""
    folder = tmp_path / "home"
    folder.mkdir()
    settings.CHARTER_HOME = folder
    settings.LEDGER_DIR = folder / "ledger"
    # The real hasher takes 150 ms a password on purpose; the cast has nine.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.STORAGES = {
        **django_settings.STORAGES,
        "blobs": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder / "blobs"},
        },
    }
    monkeypatch.setenv("CHARTER_HOME", str(folder))
    monkeypatch.setenv("CHARTER_CACHE", str(django_settings.CHARTER_CACHE))
    return folder


@pytest.fixture(scope="session")
def prepared_db(tmp_path_factory, django_db_blocker) -> Path:
    """A migrated SQLite file, made once."""
    path = tmp_path_factory.mktemp("prepared") / "charter.sqlite3"
    with django_db_blocker.unblock(), _pointing_at(path):
        call_command("migrate", verbosity=0)
    _fold_log(path)
    return path


@pytest.fixture
def committed_db(prepared_db: Path, home: Path, monkeypatch, django_db_blocker) -> Iterator[Path]:
    """A database file of this test alone, in which commits are real; threads and child processes may use it too."""
    path = home / "charter.sqlite3"
    shutil.copy(prepared_db, path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path}")
    with django_db_blocker.unblock(), _pointing_at(path):
        yield path


class _pointing_at:  # noqa: N801
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __enter__(self) -> None:
        connections.close_all()
        self.before = connections.settings["default"]["NAME"]
        self._name(self.path)

    def __exit__(self, *_: object) -> None:
        connections.close_all()
        self._name(self.before)

    def _name(self, name: object) -> None:
        # An open in-memory test database lives in its connection object: put a new one in its place for the while.
        if not hasattr(self, "kept"):
            self.kept = connections["default"]
            del connections["default"]
            connections.settings["default"] = {**connections.settings["default"], "NAME": name}
        else:
            connections["default"].close()
            connections.settings["default"] = {**connections.settings["default"], "NAME": name}
            connections["default"] = self.kept


def _fold_log(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
