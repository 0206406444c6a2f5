"""The statements of an append, each built once for its model and kind of database: Django builds them anew for every
row, which takes longer than running them. No signals are sent: nothing beside `append` acts on these rows.
"""

# ruff: noqa: S608 - the statements are made of the models' own names and of constants
import functools
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model


def locked(row: Model) -> Any:
    """The same row as the database holds it, locked until the transaction ends. Raises DoesNotExist."""
    model, db = type(row), transaction.get_connection()
    statement, columns = _select(model, db.vendor)
    with db.cursor() as cursor:
        cursor.execute(statement, _values(row, [model._meta.pk], db))
        found = cursor.fetchone()
    if found is None:
        raise model.DoesNotExist(  # type: ignore[attr-defined]
            f"there is no {model._meta.verbose_name} {row.pk}"
        )
    names = [column.target.attname for column in columns]
    return model.from_db(
        db.alias, names, [_read(column, value, db) for column, value in zip(columns, found, strict=True)]
    )


def insert(row: Model) -> None:
    """Write all columns of a new row; its key is set where the database makes it."""
    db = transaction.get_connection()
    statement, fields, makes_key = _insert(type(row), db.vendor)
    with db.cursor() as cursor:
        cursor.execute(statement, _values(row, fields, db, add=True))
        if makes_key:
            (row.pk,) = cursor.fetchone()
    row._state.adding, row._state.db = False, db.alias


def update(row: Model, names: Sequence[str]) -> None:
    """Write the named fields of a row that is locked."""
    db = transaction.get_connection()
    statement, fields = _update(type(row), tuple(names), db.vendor)
    with db.cursor() as cursor:
        cursor.execute(statement, _values(row, fields, db))


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
def _select(model: type[Model], vendor: str) -> tuple[str, list[Any]]:
    rows = model._base_manager.select_for_update(of=("self",)).filter(pk=uuid.UUID(int=0))
    columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
    return rows.query.sql_with_params()[0], columns


@functools.cache
def _insert(model: type[Model], vendor: str) -> tuple[str, list[Any], bool]:
    made = model._meta.auto_field
    fields = [field for field in model._meta.concrete_fields if field is not made]
    columns = ", ".join(_quoted(str(field.column)) for field in fields)
    values = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES ({values})"
    return f"{statement} RETURNING {_quoted(str(made.column))}" if made else statement, fields, bool(made)


@functools.cache
def _update(model: type[Model], names: tuple[str, ...], vendor: str) -> tuple[str, list[Any]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    changes = ", ".join(f"{_quoted(str(field.column))} = %s" for field in fields)
    key: Any = model._meta.pk
    statement = f"UPDATE {_quoted(model._meta.db_table)} SET {changes} WHERE {_quoted(str(key.column))} = %s"
    return statement, [*fields, key]


def _quoted(name: str) -> str:
    quoted: str = transaction.get_connection().ops.quote_name(name)
    return quoted
