"""Every test has a home of its own; tests that commit get a fresh copy of a prepared database.

With DATABASE_URL the tests run on that server instead of SQLite (`make test-postgres`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import psycopg
import pytest
import redis
from django.conf import settings as django_settings

from config.settings import cache
from tests import databases

REPO = Path(__file__).resolve().parents[1]
SERVER, _, FIRST = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9").rpartition("/")
REDIS = f"{SERVER}/{int(FIRST) + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))}"
"""A database of this test process alone: the one that TEST_REDIS_URL names, or one of the next."""

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("charter", deadline=None)
hypothesis.settings.load_profile("charter")
# Playwright's synchronous interface runs an event loop in the test's thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what asks the configured database: everything else does there what it did on SQLite."""
    if not databases.on_postgres():
        return
    kept = [item for item in items if _asks_the_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _asks_the_database(item)])
    items[:] = kept


def _asks_the_database(item: pytest.Item) -> bool:
    asked = {"db", "transactional_db", "committed_db"} & set(getattr(item, "fixturenames", ()))
    return bool(asked) or item.get_closest_marker("django_db") is not None


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings, monkeypatch) -> Path:
    """An empty CHARTER_HOME, for this process and its children; the built base model's cache is shared."""
    folder = tmp_path / "home"
    folder.mkdir()
    settings.CHARTER_HOME = folder
    settings.LEDGER_DIR = folder / "ledger"
    settings.CHARTER_SCAN_ON_REGISTER = False
    # The real hasher takes 150 ms a password on purpose; the cast has nine.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **django_settings.STORAGES,
        "blobs": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder / "blobs"},
        },
    }
    settings.CACHES = {"default": cache("file://", folder / "cachefiles")}
    monkeypatch.setenv("CHARTER_HOME", str(folder))
    monkeypatch.setenv("CHARTER_SCAN_ON_REGISTER", "0")
    monkeypatch.setenv("CHARTER_CACHE", str(django_settings.CHARTER_CACHE))
    return folder


@pytest.fixture(scope="session")
def prepared_db(tmp_path_factory, django_db_blocker) -> Path:
    """A migrated SQLite file, made once."""
    with django_db_blocker.unblock():
        return databases.migrated_file(tmp_path_factory.mktemp("prepared") / "charter.sqlite3")


@pytest.fixture(scope="session")
def postgres(django_db_blocker) -> Iterator[databases.Server]:
    """The PostgreSQL server of TEST_POSTGRES_URL; skips where none answers."""
    with django_db_blocker.unblock():
        try:
            server = databases.Server()
        except psycopg.OperationalError as error:
            pytest.skip(f"PostgreSQL does not answer: {error}")
        with closing(server):
            yield server


@pytest.fixture
def sqlite_db(prepared_db: Path, home: Path, monkeypatch, django_db_blocker) -> Iterator[Path]:
    """A SQLite file of this test alone."""
    path = home / "charter.sqlite3"
    with django_db_blocker.unblock(), databases.file_copy(prepared_db, path) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        yield path


@pytest.fixture
def postgres_db(postgres, home: Path, monkeypatch, django_db_blocker) -> Iterator[str]:
    """The URL of a PostgreSQL database of this test alone."""
    with django_db_blocker.unblock(), postgres.copy() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        yield url


@pytest.fixture
def committed_db(request) -> Path | str:
    """A database of this test alone, in which commits are real; threads and child processes may use it too.

    On the database that DATABASE_URL names: SQLite, where it names none.
    """
    return request.getfixturevalue("postgres_db" if databases.on_postgres() else "sqlite_db")


@pytest.fixture
def redis_broker(monkeypatch) -> Iterator[str]:
    """The URL of an empty Redis database, which child processes take as their broker; skips where none answers."""
    server = redis.Redis.from_url(REDIS)
    try:
        server.flushdb()
    except redis.ConnectionError as error:
        pytest.skip(f"Redis does not answer: {error}")
    monkeypatch.setenv("CELERY_BROKER_URL", REDIS)
    yield REDIS
    server.flushdb()


@pytest.fixture(params=["embedded", pytest.param("production", marks=pytest.mark.service)])
def profile(request) -> str:
    """SQLite and the folder broker, or PostgreSQL and Redis: for this process's rows, and all of it for children."""
    for fixture in ("sqlite_db",) if request.param == "embedded" else ("postgres_db", "redis_broker"):
        request.getfixturevalue(fixture)
    return request.param


@pytest.fixture(scope="session")
def tiny_base() -> Path:
    """The small base model, built once into the shared cache by the same command that the demo uses."""
    cache = Path(os.environ.get("CHARTER_CACHE", REPO / "var" / "cache"))
    command = [sys.executable, "-m", "training.runner.base", str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO)
    return Path(json.loads(done.stdout.splitlines()[-1])["path"])
