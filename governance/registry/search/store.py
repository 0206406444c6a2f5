"""The index in the database: made after each migration, kept up by the actions, rebuilt by `manage.py reindex`."""

from collections.abc import Iterator
from typing import Any

from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from governance.registry.search import sources
from governance.registry.search.postgresql import Postgres
from governance.registry.search.rows import Row, Tables, rows_of
from governance.registry.search.sqlite import Sqlite

BATCH = 500
_TABLES: dict[str, Tables] = {"sqlite": Sqlite(), "postgresql": Postgres()}


def tables(database: BaseDatabaseWrapper) -> Tables:
    """The tables of a database. Raises KeyError for one that is neither SQLite nor PostgreSQL."""
    return _TABLES[database.vendor]


def after_migration(using: str, **_: Any) -> None:
    with connections[using].cursor() as cursor:
        for statement in tables(connections[using]).create():
            cursor.execute(statement)


def index(row: Model) -> None:
    """Make `row` findable by what it says now, in the caller's transaction; nothing happens to what no source holds."""
    for source in sources.of(row):
        if document := source.document(row):
            with connection.cursor() as cursor:
                tables(connection).drop(cursor, source.type, str(row.pk))
                tables(connection).put(cursor, list(rows_of(source.type, str(row.pk), document)))


@transaction.atomic
def forget(row: Model) -> None:
    """Take every word of `row` out of the index, and out of the database's file as far as a transaction can.

    On PostgreSQL the dead row stays until the next VACUUM, on SQLite older pages stay in the write-ahead log until it is
    truncated, and both stay in backups. A row that still has its content comes back with the next `index` or `rebuild`.
    """
    with connection.cursor() as cursor:
        for source in sources.of(row):
            tables(connection).drop(cursor, source.type, str(row.pk))
        tables(connection).compact(cursor)


@transaction.atomic
def rebuild() -> int:
    """Make the index anew from the rows. Returns how many documents it holds."""
    count, batch = 0, []
    with connection.cursor() as cursor:
        tables(connection).clear(cursor)
        for rows in _documents():
            count += 1
            batch += rows
            if len(batch) >= BATCH:
                tables(connection).put(cursor, batch)
                batch = []
        tables(connection).put(cursor, batch)
        tables(connection).compact(cursor)
    return count


def _documents() -> Iterator[list[Row]]:
    for source in sources.known().values():
        for row in source.rows().order_by("pk").iterator(chunk_size=BATCH):
            if document := source.document(row):
                yield list(rows_of(source.type, str(row.pk), document))
