"""The ledger's tests run on both databases: SQLite everywhere, PostgreSQL where it answers."""

import os
from collections.abc import Iterator

import dj_database_url
import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from governance.ledger import keys

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
TEMPLATE = f"charter_template_{os.getpid()}"
COPY = f"charter_test_{os.getpid()}"


class _using:  # noqa: N801
    """The default connection replaced by one to another database, for the while."""

    def __init__(self, name: str) -> None:
        url = SERVER.rpartition("/")[0] + f"/{name}"
        self.config = connections.configure_settings({"default": dj_database_url.parse(url)})["default"]

    def __enter__(self) -> None:
        self.before, self.kept = connections.settings["default"], connections["default"]
        self._put(self.config)

    def __exit__(self, *_: object) -> None:
        connections["default"].close()
        self._put(self.before)
        connections["default"] = self.kept

    def _put(self, config: object) -> None:
        del connections["default"]
        connections.settings["default"] = config


@pytest.fixture(scope="session")
def postgres() -> Iterator[psycopg.Connection]:
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"PostgreSQL does not answer: {error}")
    with server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres, django_db_blocker) -> Iterator[str]:
    postgres.execute(f"CREATE DATABASE {TEMPLATE}")
    with django_db_blocker.unblock(), _using(TEMPLATE):
        call_command("migrate", verbosity=0)
    yield TEMPLATE
    postgres.execute(f"DROP DATABASE {TEMPLATE} WITH (FORCE)")


@pytest.fixture
def postgres_db(postgres, postgres_template, home, django_db_blocker) -> Iterator[str]:
    postgres.execute(f"CREATE DATABASE {COPY} TEMPLATE {postgres_template}")
    with django_db_blocker.unblock(), _using(COPY):
        yield COPY
    postgres.execute(f"DROP DATABASE {COPY} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def database(request) -> str:
    """A migrated database of this test alone, in which commits are real, with a signing key beside it."""
    request.getfixturevalue("committed_db" if request.param == "sqlite" else "postgres_db")
    keys.generate()
    return request.param
