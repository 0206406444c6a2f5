"""A scratch installation: a home, a database, a signing key, two witnesses; gone when the torture is over."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from tests import databases

DATABASES = ("sqlite", "postgresql")
WITNESSES = ("wendy.example", "wanda.example")


@dataclass(frozen=True)
class Installation:
    """`witnesses` maps each witness's folder to its port."""

    home: Path
    witnesses: dict[Path, int]


@contextmanager
def scratch(database: str) -> Iterator[Installation]:
    """Set this process up for a new installation on `database`. Once a process: Django is configured here."""
    with tempfile.TemporaryDirectory(prefix="charter-torture-") as folder, _url(database, folder) as url:
        os.environ.update(CHARTER_HOME=folder, DATABASE_URL=url, CHARTER_SCAN_ON_REGISTER="0")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ.pop("LEDGER_KEY", None)
        django.setup()
        call_command("migrate", verbosity=0)
        call_command("ledger", "keygen", stdout=_nowhere())
        yield Installation(
            Path(folder), {Path(folder, name): _add_witness(Path(folder, name)) for name in WITNESSES}
        )


@contextmanager
def _url(database: str, folder: str) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{folder}/charter.sqlite3"
        return
    with closing(databases.Server()) as server, server.database("torture") as url:
        yield url


def _add_witness(folder: Path) -> int:
    with socket.socket() as free, tempfile.TemporaryFile("w+") as printed:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        call_command("ledger", "witness", "keygen", str(folder), "--name", folder.name, stdout=printed)
        printed.seek(0)
        vkey = printed.read().strip()
    call_command("ledger", "witness", "add", vkey, f"http://127.0.0.1:{port}", stdout=_nowhere())
    return port


def _nowhere() -> Any:
    return tempfile.TemporaryFile("w")
