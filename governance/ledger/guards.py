"""When the database's guards are placed, lifted and looked at: Django's signals and system checks."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.ledger import auditable, triggers
from governance.ledger.models import Auditable


def on_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let SQLite's REPLACE fire the guards against DELETE, which it otherwise bypasses."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers = ON")


def before_migration(using: str, plan: list[Any], **_: Any) -> None:
    """SQLite changes a table by rebuilding it, and cannot while a trigger of another table reads it."""
    if plan and connections[using].vendor == "sqlite":
        triggers.remove(connections[using])


def after_migration(using: str, **_: Any) -> None:
    triggers.install(connections[using])


def check_registered(**_: Any) -> list[checks.CheckMessage]:
    """Every auditable model must be registered, or its rows would change unguarded."""
    return [
        checks.Error(
            f"{model.__name__} is auditable but not registered",
            hint=f"call governance.ledger.auditable.register({model.__name__}) in its AppConfig.ready()",
            id="ledger.E001",
        )
        for model in apps.get_models()
        if issubclass(model, Auditable) and not model._meta.proxy and model not in auditable.registered()
    ]


def check_placed(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """A warning, not an error: `migrate`, which puts the guards back, runs this check first."""
    return [
        checks.Warning(
            f"the guard {name} is absent, disabled or altered in database {alias!r}",
            hint="run `manage.py migrate`, which puts every guard back",
            id="ledger.W001",
        )
        for alias in databases or []
        for name in triggers.missing(connections[alias])
    ]
