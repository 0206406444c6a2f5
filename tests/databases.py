"""Databases of a test's own, in which commits are real: a copied file on SQLite, a copied template on PostgreSQL."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def on_postgres() -> bool:
    """Whether this session's tests run on PostgreSQL, by the same DATABASE_URL that an installation would set."""
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("postgresql")


@contextmanager
def pointing_at(url: str) -> Iterator[None]:
    """The default connection leads to `url` for the while."""
    # An open in-memory test database lives in its connection object: put another one in its place.
    before, kept = connections.settings["default"], connections["default"]
    options = {"OPTIONS": settings.SQLITE_OPTIONS} if url.startswith("sqlite") else {}
    fresh = {"default": {**dj_database_url.parse(url, conn_max_age=60), **options}}
    _put(connections.configure_settings(fresh)["default"])
    try:
        yield
    finally:
        connections["default"].close()
        _put(before)
        connections["default"] = kept


def _put(configured: Any) -> None:
    del connections["default"]
    connections.settings["default"] = configured


def migrated_file(path: Path) -> Path:
    with pointing_at(f"sqlite:///{path}"):
        call_command("migrate", verbosity=0)
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    return path


@contextmanager
def file_copy(template: Path, path: Path) -> Iterator[str]:
    """The URL of a copy of `template` at `path`, which is the default database for the while."""
    shutil.copy(template, path)
    with pointing_at(url := f"sqlite:///{path}"):
        yield url


class Server:
    """A PostgreSQL server on which databases come and go. Raises psycopg.OperationalError where none answers.

    It has one template for this process, which is migrated when a copy is first asked for.
    """

    def __init__(self) -> None:
        self._kept = ExitStack()
        self._control = self._kept.enter_context(psycopg.connect(SERVER, autocommit=True, connect_timeout=3))
        self._template: str | None = None
        self._copies = 0

    @contextmanager
    def database(self, purpose: str, template: str = "template1") -> Iterator[str]:
        """The URL of a database that is there for the while: empty, or a copy of `template`."""
        name = f"charter_{purpose}_{os.getpid()}"
        self._control.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield f"{SERVER.rpartition('/')[0]}/{name}"
        finally:
            self._control.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The URL of a fresh migrated database, which is the default one for the while."""
        template = self._template = self._template or self._migrated()
        self._copies += 1
        with self.database(f"test_{self._copies}", template) as url, pointing_at(url):
            yield url

    def close(self) -> None:
        self._kept.close()

    def _migrated(self) -> str:
        url = self._kept.enter_context(self.database("template"))
        with pointing_at(url):
            call_command("migrate", verbosity=0)
        return url.rpartition("/")[2]
