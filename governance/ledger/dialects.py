"""How each database writes a guard: a trigger that refuses a change when a condition over OLD and NEW holds."""

# ruff: noqa: S608 - the statements are made of the models' own names and of constants
from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Guard:
    """Refuse `event` (INSERT, UPDATE, DELETE or TRUNCATE) on `table` with `message` when `condition` holds.

    `condition` is given the dialect and returns SQL over OLD and NEW.
    """

    table: str
    topic: str
    event: str
    message: str
    condition: Callable[[Dialect], str]

    @property
    def name(self) -> str:
        name = f"guard_{self.table}_{self.topic}_{self.event}".lower()
        # PostgreSQL cuts names at 63 bytes.
        return name if len(name) <= 63 else f"{name[:54]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class Dialect(Protocol):
    """What a database must be able to say."""

    def differs(self, left: str, right: str) -> str: ...

    def uuid_text(self, value: str) -> str: ...

    def json_grew(self, column: str) -> str: ...

    def create(self, guard: Guard) -> list[str]: ...

    def installed(self, connection: BaseDatabaseWrapper) -> dict[str, str]: ...

    def drop(self, connection: BaseDatabaseWrapper, names: Iterable[str]) -> None: ...

    def expected(self, guard: Guard) -> str: ...


def dialect(connection: BaseDatabaseWrapper) -> Dialect:
    """The dialect of `connection`: SQLite or PostgreSQL. Raises KeyError for any other."""
    return _DIALECTS[connection.vendor]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def listing(values: Sequence[str]) -> str:
    """SQL for a list of texts, never empty: an empty one holds nothing but NULL."""
    return f"({', '.join(map(quoted, values)) or 'NULL'})"


class Sqlite:
    def differs(self, left: str, right: str) -> str:
        return f"{left} IS NOT {right}"

    def uuid_text(self, value: str) -> str:
        """Django stores a UUID as 32 hex digits here."""
        cuts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        return " || '-' || ".join(f"substr({value}, {start}, {length})" for start, length in cuts)

    def json_grew(self, column: str) -> str:
        """A key came or went, or a value became anything but null."""
        return f"""((SELECT group_concat(key) FROM (SELECT key FROM json_each(OLD.{column}) ORDER BY key))
            IS NOT (SELECT group_concat(key) FROM (SELECT key FROM json_each(NEW.{column}) ORDER BY key))
            OR EXISTS (SELECT 1 FROM json_each(NEW.{column}) fresh WHERE fresh.type <> 'null' AND fresh.value IS NOT
                (SELECT stale.value FROM json_each(OLD.{column}) stale WHERE stale.key = fresh.key)))"""

    def create(self, guard: Guard) -> list[str]:
        return [self.expected(guard)] if guard.event != "TRUNCATE" else []

    def expected(self, guard: Guard) -> str:
        if guard.event == "TRUNCATE":
            return ""
        return (
            f"CREATE TRIGGER {guard.name} BEFORE {guard.event} ON {guard.table} FOR EACH ROW"
            f" WHEN {guard.condition(self)} BEGIN SELECT RAISE(ABORT, {quoted(guard.message)}); END"
        )

    def installed(self, connection: BaseDatabaseWrapper) -> dict[str, str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard_%'"
            )
            return dict(cursor.fetchall())

    def drop(self, connection: BaseDatabaseWrapper, names: Iterable[str]) -> None:
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


class Postgres:
    def differs(self, left: str, right: str) -> str:
        return f"{left} IS DISTINCT FROM {right}"

    def uuid_text(self, value: str) -> str:
        return f"{value}::text"

    def json_grew(self, column: str) -> str:
        """A key came or went, or a value became anything but null."""
        return f"""(ARRAY(SELECT jsonb_object_keys(OLD.{column}) ORDER BY 1)
            IS DISTINCT FROM ARRAY(SELECT jsonb_object_keys(NEW.{column}) ORDER BY 1)
            OR EXISTS (SELECT 1 FROM jsonb_each(NEW.{column}) fresh WHERE fresh.value <> 'null'::jsonb
                AND fresh.value IS DISTINCT FROM OLD.{column} -> fresh.key))"""

    def create(self, guard: Guard) -> list[str]:
        scope = "STATEMENT" if guard.event == "TRUNCATE" else "ROW"
        moment = f"BEFORE {guard.event} ON {guard.table} FOR EACH {scope}"
        return [
            f"CREATE OR REPLACE FUNCTION {guard.name}() RETURNS trigger LANGUAGE plpgsql AS {quoted(self.expected(guard))}",
            f"CREATE TRIGGER {guard.name} {moment} EXECUTE FUNCTION {guard.name}()",
            # ALWAYS: also where a session poses as a replica.
            f"ALTER TABLE {guard.table} ENABLE ALWAYS TRIGGER {guard.name}",
        ]

    def expected(self, guard: Guard) -> str:
        row = "OLD" if guard.event == "DELETE" else "NEW"
        return (
            f"BEGIN IF {guard.condition(self)} THEN RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',"
            f" MESSAGE = {quoted(guard.message)}; END IF; RETURN {row}; END"
        )

    def installed(self, connection: BaseDatabaseWrapper) -> dict[str, str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgname, CASE tgenabled WHEN 'A' THEN prosrc ELSE '' END FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
                " WHERE tgname LIKE 'guard_%' AND NOT tgisinternal"
                " AND pg_table_is_visible(tgrelid)"
            )
            return dict(cursor.fetchall())

    def drop(self, connection: BaseDatabaseWrapper, names: Iterable[str]) -> None:
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}() CASCADE")


_DIALECTS: dict[str, Dialect] = {"sqlite": Sqlite(), "postgresql": Postgres()}
