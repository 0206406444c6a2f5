"""Databases of a test's own, in which commits are real: a copied file on SQLite, a copied template on PostgreSQL."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import psycopg
import pytest
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
    """A PostgreSQL server, and the one template of this process, migrated when it is first asked for."""

    def __init__(self) -> None:
        try:
            self._control = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
        except psycopg.OperationalError as error:
            pytest.skip(f"PostgreSQL does not answer: {error}")
        self._template: str | None = None
        self._copies = 0

    def url(self, name: str) -> str:
        return f"{SERVER.rpartition('/')[0]}/{name}"

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The URL of a fresh migrated database, which is the default one for the while."""
        template = self._template = self._template or self._migrated()
        self._copies += 1
        name = f"charter_test_{os.getpid()}_{self._copies}"
        self._control.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            with pointing_at(self.url(name)):
                yield self.url(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        if self._template:
            self._drop(self._template)
        self._control.close()

    def _migrated(self) -> str:
        name = f"charter_template_{os.getpid()}"
        self._control.execute(f"CREATE DATABASE {name}")
        with pointing_at(self.url(name)):
            call_command("migrate", verbosity=0)
        return name

    def _drop(self, name: str) -> None:
        self._control.execute(f"DROP DATABASE {name} WITH (FORCE)")
