"""Guards that somebody took away: the site says that it is not ready, and what was done meanwhile is found."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from governance.ledger import keys, triggers
from governance.ledger.dialects import dialect
from governance.ledger.settle import settle
from tests.builders import constitution

REPO = Path(__file__).resolve().parents[2]
FORGED = "UPDATE registry_artifact SET title = 'forged'"


@pytest.fixture
def signed(committed_db) -> Path | str:
    keys.generate()
    constitution()
    settle()
    return committed_db


def test_the_site_is_not_ready_without_a_guard_and_again_after_a_migration(signed, client):
    assert client.get("/readyz").json() == {"status": "ready", "reasons": [], "alarms": []}
    for name in triggers.expected(connection):
        dialect(connection).drop(connection, [name])
        answer = client.get("/readyz")
        assert answer.status_code == 503, name
    count = len(triggers.expected(connection))
    assert answer.json()["reasons"] == [
        f"{count} database triggers are missing or altered; run manage.py migrate"
    ]
    assert client.get("/healthz").status_code == 200
    call_command("migrate", verbosity=0)
    assert client.get("/readyz").status_code == 200


def verify(*more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", "ledger", "verify", *more]
    return subprocess.run(command, cwd=REPO, env=os.environ, capture_output=True, text=True, check=False)


def execute_behind_our_back(database: Path | str, *statements: str) -> None:
    """As somebody with the database's password or file, and without Charter."""
    connection.close()
    opened = psycopg.connect(database) if isinstance(database, str) else sqlite3.connect(database)
    with closing(opened) as raw:
        for statement in statements:
            raw.execute(statement)
        raw.commit()


def without_guards(connection) -> list[str]:
    if connection.vendor == "postgresql":
        return ["ALTER TABLE registry_artifact DISABLE TRIGGER ALL", FORGED]
    return [*(f"DROP TRIGGER {name}" for name in triggers.expected(connection)), FORGED]


def test_a_row_changed_behind_our_back_is_found(signed):
    assert verify().returncode == 0
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match="changes only together"):
        execute_behind_our_back(signed, FORGED)
    assert verify().returncode == 0
    execute_behind_our_back(signed, *without_guards(connection))
    call_command("migrate", verbosity=0)
    told = verify("--json")
    assert told.returncode == 1
    problems = json.loads(told.stdout)["problems"]
    assert [problem["check"] for problem in problems] == ["rows"]
    assert "is not in the state (class P) that its newest ledger entry recorded" in problems[0]["sentence"]


def test_guards_that_are_gone_are_found(signed):
    execute_behind_our_back(signed, *without_guards(connection)[:-1])
    told = verify()
    assert told.returncode == 1
    assert "is absent, disabled or altered; `manage.py migrate` puts it back" in told.stdout
