"""What the database itself refuses: rewriting the ledger, and changing an auditable row without an entry.

One definition for SQLite and PostgreSQL. Triggers stop accidents and shortcuts; whoever owns the database can
drop them, and then `ledger verify` and the checkpoints that others hold tell.
"""

# ruff: noqa: S608 - the statements are made of the models' own names and of constants
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, UniqueConstraint

from governance.ledger import auditable
from governance.ledger.dialects import Dialect, Guard, dialect, listing, quoted
from governance.ledger.models import Auditable, Checkpoint, Cosignature, Entry, Head, Tile, Timestamp

APPEND_ONLY = "the ledger is append-only"


@dataclass(frozen=True)
class Frozen:
    """`fields` of `model` never change, except while every field in `unless` has one of its values.

    `erasable` fields may in any state go to NULL, once.
    """

    model: type[Model]
    fields: Sequence[str]
    unless: Mapping[str, Sequence[str]]
    erasable: Sequence[str] = ()


@dataclass(frozen=True)
class Moves:
    """`field` of `model` starts at one of `initial` and moves only from a value to one `allowed` after it."""

    model: type[Model]
    field: str
    allowed: Mapping[str, Sequence[str]]
    initial: Sequence[str]


@dataclass(frozen=True)
class Kept:
    """Rows of `model` are never deleted or replaced. Auditable models are kept without it."""

    model: type[Model]


Rule = Frozen | Moves | Kept
_rules: list[Rule] = []


def register_rule(rule: Rule) -> None:
    """Have the database enforce `rule`. Called by the room's AppConfig.ready()."""
    if rule not in _rules:
        _rules.append(rule)


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every guard in place, replacing what stands there. Tables that do not exist yet are passed over."""
    with transaction.atomic(using=connection.alias):
        remove(connection)
        with connection.cursor() as cursor:
            for guard in _guards(connection):
                for statement in dialect(connection).create(guard):
                    cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take every guard away: before tables are rebuilt, and by tests that tamper."""
    speaker = dialect(connection)
    speaker.drop(connection, speaker.installed(connection))


def expected(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The guards that this database should have: name → what it should say of itself."""
    speaker = dialect(connection)
    return {guard.name: speaker.expected(guard) for guard in _guards(connection) if speaker.create(guard)}


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of guards that are absent, disabled or altered; empty when all stand."""
    installed = dialect(connection).installed(connection)
    return [name for name, text in expected(connection).items() if installed.get(name) != text]


def _guards(connection: BaseDatabaseWrapper) -> list[Guard]:
    tables = set(connection.introspection.table_names())
    return [guard for guard in _all_guards() if guard.table in tables]


def _all_guards() -> Iterator[Guard]:
    yield from _entry_guards()
    yield from _tree_guards()
    for model in auditable.registered():
        yield from _auditable_guards(model)
    for number, rule in enumerate(_rules):
        match rule:
            case Frozen():
                yield from _frozen_guards(rule, number)
            case Moves():
                yield from _move_guards(rule, number)
            case Kept():
                yield from _permanent(rule.model)


def _entry_guards() -> Iterator[Guard]:
    table = Entry._meta.db_table
    fixed = [str(f.column) for f in Entry._meta.concrete_fields if f.name not in {"leaf_index", "parts"}]
    yield from _permanent(Entry)
    yield Guard(table, "fixed", "UPDATE", APPEND_ONLY, _any_differs(fixed))
    yield Guard(
        table,
        "parts",
        "UPDATE",
        "a part of an entry may be erased, never rewritten",
        lambda d: d.json_grew("parts"),
    )
    next_index = f"(SELECT coalesce(max(leaf_index) + 1, 0) FROM {table})"
    yield Guard(
        table,
        "place",
        "UPDATE",
        "an entry gets the next leaf index, once",
        lambda d: (
            f"{d.differs('OLD.leaf_index', 'NEW.leaf_index')} AND"
            f" (OLD.leaf_index IS NOT NULL OR {d.differs('NEW.leaf_index', next_index)})"
        ),
    )
    yield Guard(
        table,
        "next",
        "INSERT",
        "an entry starts without a leaf index and continues its object's revisions",
        lambda d: (
            "NEW.leaf_index IS NOT NULL OR NEW.rev < 1 OR (NEW.rev > 1 AND NOT EXISTS (SELECT 1 FROM"
            f" {table} e WHERE e.object_type = NEW.object_type AND e.object_id = NEW.object_id"
            " AND e.rev = NEW.rev - 1))"
        ),
    )


def _tree_guards() -> Iterator[Guard]:
    for model in (Tile, Head, Checkpoint, Cosignature, Timestamp):
        yield from _permanent(model)
    yield Guard(
        Tile._meta.db_table,
        "grows",
        "UPDATE",
        "a tile only grows",
        lambda d: (
            f"{_any_differs(['id', 'level', 'idx'])(d)}"
            f" OR {d.differs('substr(NEW.data, 1, length(OLD.data))', 'OLD.data')}"
        ),
    )
    yield Guard(
        Head._meta.db_table,
        "grows",
        "UPDATE",
        "the tree only grows",
        lambda d: f"{d.differs('OLD.id', 'NEW.id')} OR NEW.size <= OLD.size",
    )
    for fixed in (Checkpoint, Cosignature, Timestamp):
        yield Guard(fixed._meta.db_table, "fixed", "UPDATE", APPEND_ONLY, _always)
    yield Guard(
        Checkpoint._meta.db_table,
        "grows",
        "INSERT",
        "a checkpoint follows the newest one",
        lambda _: f"NEW.size <= (SELECT max(size) FROM {Checkpoint._meta.db_table})",
    )


def _auditable_guards(model: type[Auditable]) -> Iterator[Guard]:
    table = model._meta.db_table
    unexplained = f"a row of {table} changes only together with its ledger entry (governance.ledger.append)"

    def no_entry(d: Dialect) -> str:
        return (
            f"NOT EXISTS (SELECT 1 FROM {Entry._meta.db_table} e WHERE e.leaf_hash = NEW.ledger_head_id"
            f" AND e.object_type = {quoted(model.ledger_type)} AND e.object_id = {d.uuid_text('NEW.id')}"
            " AND e.rev = NEW.ledger_rev)"
        )

    yield from _permanent(model)
    yield Guard(table, "entry", "INSERT", unexplained, lambda d: f"NEW.ledger_rev <> 1 OR {no_entry(d)}")
    yield Guard(
        table,
        "entry",
        "UPDATE",
        unexplained,
        lambda d: f"{d.differs('OLD.id', 'NEW.id')} OR NEW.ledger_rev <> OLD.ledger_rev + 1 OR {no_entry(d)}",
    )


def _permanent(model: type[Model]) -> Iterator[Guard]:
    """Rows never go away: not by DELETE or TRUNCATE, and not by SQLite's INSERT OR REPLACE."""
    table = model._meta.db_table
    message = f"rows of {table} are never deleted"
    yield Guard(table, "stays", "DELETE", message, _always)
    yield Guard(table, "stays", "TRUNCATE", message, _always)
    taken = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} e WHERE {' AND '.join(f'e.{c} = NEW.{c}' for c in columns)})"
        for columns in _unique_columns(model)
    )
    yield Guard(table, "stays", "INSERT", f"a row of {table} with this key exists already", lambda _: taken)


def _unique_columns(model: type[Model]) -> list[list[str]]:
    """The sets of columns that the database keeps unique without a condition."""
    options = model._meta
    single = [[str(field.column)] for field in options.concrete_fields if field.unique]
    together = [
        [_column(model, name) for name in constraint.fields]
        for constraint in options.constraints
        if isinstance(constraint, UniqueConstraint) and constraint.fields and constraint.condition is None
    ]
    return single + together


def _frozen_guards(rule: Frozen, number: int) -> Iterator[Guard]:
    table, message = (
        rule.model._meta.db_table,
        f"{', '.join(rule.fields)} of {rule.model._meta.verbose_name} is frozen",
    )
    open_while = " AND ".join(
        f"OLD.{_column(rule.model, name)} IN {listing(values)}" for name, values in rule.unless.items()
    )

    def changed(d: Dialect, name: str) -> str:
        column = _column(rule.model, name)
        unless = f" AND NEW.{column} IS NOT NULL" if name in rule.erasable else ""
        return f"({d.differs(f'OLD.{column}', f'NEW.{column}')}{unless})"

    def condition(d: Dialect) -> str:
        return f"NOT ({open_while or '1 = 0'}) AND ({' OR '.join(changed(d, name) for name in rule.fields)})"

    yield Guard(table, f"frozen{number}", "UPDATE", message, condition)


def _move_guards(rule: Moves, number: int) -> Iterator[Guard]:
    table, column = rule.model._meta.db_table, _column(rule.model, rule.field)
    message = f"this move of {rule.field} of {rule.model._meta.verbose_name} is not allowed"
    known = " OR ".join(
        f"(OLD.{column} = {quoted(before)} AND NEW.{column} IN {listing(after)})"
        for before, after in rule.allowed.items()
        if after
    )
    yield Guard(
        table,
        f"moves{number}",
        "UPDATE",
        message,
        lambda d: f"{d.differs(f'OLD.{column}', f'NEW.{column}')} AND NOT ({known or '1 = 0'})",
    )
    yield Guard(
        table, f"moves{number}", "INSERT", message, lambda _: f"NEW.{column} NOT IN {listing(rule.initial)}"
    )


def _column(model: type[Model], name: str) -> str:
    """The column of a field, quoted: PL/pgSQL takes a bare `by` for a word of its own."""
    return f'"{model._meta.get_field(name).column}"'  # type: ignore[union-attr]


def _any_differs(columns: Sequence[str]) -> Callable[[Dialect], str]:
    return lambda d: " OR ".join(d.differs(f"OLD.{name}", f"NEW.{name}") for name in columns)


def _always(_: Dialect) -> str:
    return "1 = 1"
