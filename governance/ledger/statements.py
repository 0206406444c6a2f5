"""The statements of an append, each built once for its model and kind of database: Django builds them anew for every
row, which takes longer than running them. No signals are sent: nothing beside `append` acts on these rows.

PostgreSQL writes entry and row in one statement, prepared on the server: there the way to it costs more than the work.
"""

# ruff: noqa: S608 - the statements are made of the models' own names and of constants
import functools
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model

from governance.ledger.models import Entry

POSTGRESQL = "postgresql"
Statement = tuple[str, list[Any]]
"""SQL, and the fields whose values it takes in that order."""


def locked(row: Model) -> Any:
    """The same row as the database holds it, locked until the transaction ends. Raises DoesNotExist."""
    model, db = type(row), transaction.get_connection()
    statement, columns = _select(model, db.vendor)
    found = _run(db, statement, _values(row, [model._meta.pk], db))
    if found is None:
        raise model.DoesNotExist(  # type: ignore[attr-defined]
            f"there is no {model._meta.verbose_name} {row.pk}"
        )
    names = [column.target.attname for column in columns]
    return model.from_db(
        db.alias, names, [_read(column, value, db) for column, value in zip(columns, found, strict=True)]
    )


def write(entry: Entry, row: Model, names: Sequence[str]) -> None:
    """Insert the entry, whose key is set, and the row with it; of a row that is locked, update the named fields."""
    db, created = transaction.get_connection(), row._state.adding
    changed = None if created else tuple(names)
    statement, fields = _entry(db.vendor)
    values = _values(entry, fields, db, add=True)
    of_row, fields = _row(type(row), changed, db.vendor)
    values_of_row = _values(row, fields, db, add=created)
    if db.vendor == POSTGRESQL:
        (entry.pk,) = _run(db, f"WITH entry AS ({statement}) {of_row}", [*values, *values_of_row])
    else:
        (entry.pk,) = _run(db, statement, values)
        _run(db, of_row, values_of_row)
    for stored in (entry, row):
        stored._state.adding, stored._state.db = False, db.alias


def _run(db: Any, statement: str, values: Sequence[Any]) -> Any:
    """The first row of what comes back, or None."""
    with _cursor(db) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() if cursor.description else None


def _cursor(db: Any) -> Any:
    if db.vendor != POSTGRESQL:
        return db.cursor()
    db.ensure_connection()
    # Django's own cursor puts values into the text, so that the server parses and plans every statement anew.
    raw = db.Database.Cursor(db.connection)
    return db.make_debug_cursor(raw) if db.queries_logged else db.make_cursor(raw)


def _values(row: Model, fields: Sequence[Any], db: Any, *, add: bool = False) -> list[Any]:
    """As the database takes them."""
    return [field.get_db_prep_save(field.pre_save(row, add), connection=db) for field in fields]


def _read(column: Any, value: Any, db: Any) -> Any:
    """As the model has it."""
    for convert in (*db.ops.get_db_converters(column), *column.get_db_converters(db)):
        value = convert(value, column, db)
    return value


# `vendor` keeps apart the statements of databases that one process talks to.
@functools.cache
def _select(model: type[Model], vendor: str) -> Statement:
    rows = model._base_manager.select_for_update(of=("self",)).filter(pk=uuid.UUID(int=0)).order_by()
    columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
    return rows.query.sql_with_params()[0], columns


@functools.cache
def _entry(vendor: str) -> Statement:
    """Insert an entry; the database makes its key."""
    fields: list[Any] = [field for field in Entry._meta.concrete_fields if not field.primary_key]
    values = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {Entry._meta.db_table} ({_columns(fields)}) VALUES ({values}) RETURNING id", fields


@functools.cache
def _row(model: type[Model], names: tuple[str, ...] | None, vendor: str) -> Statement:
    """Insert a row, or update `names` of it. On PostgreSQL the rest of a statement that begins with the entry's."""
    table, key = _quoted(model._meta.db_table), model._meta.pk
    fields: list[Any] = [model._meta.get_field(name) for name in names or ()] or list(
        model._meta.concrete_fields
    )
    values = [_value(field) for field in fields]
    if names is None:
        source = f"SELECT {', '.join(values)}" + (" FROM entry" if vendor == POSTGRESQL else "")
        text = f"INSERT INTO {table} ({_columns(fields)}) {source}"
    else:
        pairs = (f"{_columns([field])} = {value}" for field, value in zip(fields, values, strict=True))
        source = " FROM entry" if vendor == POSTGRESQL else ""
        text = f"UPDATE {table} SET {', '.join(pairs)}{source} WHERE {table}.{_columns([key])} = %s"
        fields = [*fields, key]
    return (f"{text} RETURNING (SELECT id FROM entry)" if vendor == POSTGRESQL else text), fields


def _value(field: Any) -> str:
    """The place of a value, with its type where the server cannot tell it from a column that it goes to."""
    db = transaction.get_connection()
    if db.vendor != POSTGRESQL:
        return "%s"
    kind = field.db_type(db)
    # A cast to varchar(9) would cut what is too long, where the column refuses it.
    return f"%s::{'text' if kind.startswith('varchar') else kind}"


def _columns(fields: Sequence[Any]) -> str:
    return ", ".join(_quoted(field.column) for field in fields)


def _quoted(name: str) -> str:
    quoted: str = transaction.get_connection().ops.quote_name(name)
    return quoted
