"""What a DELETE leaves in a database's files, taken out of them: old pages, dead rows, samples in the planner's statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import DatabaseError, connection

STATISTICS = "pg_statistic"
"""PostgreSQL's planner keeps samples of every column here, words of the search index among them."""
PATIENCE = "30s"


def database(tables: Sequence[str]) -> list[str]:
    """Rewrite the database's files without what was erased; of PostgreSQL only `tables` and the statistics.

    Returns sentences about what could not be done and should be tried again; none as a rule. Not inside a transaction.
    """
    work = {"sqlite": _sqlite, "postgresql": _postgresql}[connection.vendor]
    try:
        with connection.cursor() as cursor:
            return list(work(cursor, tables))
    except DatabaseError as error:
        return [f"The database's files could not be rewritten ({' '.join(str(error).split())})."]


def remains() -> list[str]:
    """Where an erased value may go on existing that no command of ours reaches: sentences."""
    everywhere = [
        "Backups of the database and of CHARTER_HOME that were made before still hold it: delete or overwrite them.",
        "Bundles, cards and mirrors of the log that were given out before are in other people's hands.",
        "Freed blocks of the disk hold it until they are used again; an encrypted disk or `fstrim` shortens that.",
    ]
    if connection.vendor != "postgresql":
        return everywhere
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn()")
        position = cursor.fetchone()[0]
    log = (
        f"PostgreSQL's write-ahead log up to position {position} holds it until its segments are recycled, and so do"
        " archived segments and standbys that have not replayed it."
    )
    return [log, *everywhere]


def _sqlite(cursor: Any, tables: Sequence[str]) -> Iterator[str]:
    del tables  # VACUUM rewrites the whole file.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute("VACUUM")
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    busy = cursor.fetchone()[0]
    if busy:
        yield "Somebody reads the database, so its write-ahead log (the file -wal) could not be emptied."


def _postgresql(cursor: Any, tables: Sequence[str]) -> Iterator[str]:
    cursor.execute(f"SET lock_timeout = '{PATIENCE}'")
    try:
        for table in [*tables, STATISTICS]:
            before = _filenode(cursor, table)
            name = connection.ops.quote_name(table)
            cursor.execute(
                f"VACUUM (FULL, ANALYZE) {name}" if table != STATISTICS else f"VACUUM (FULL) {name}"
            )
            # Whoever does not own a table gets a warning and no VACUUM.
            if _filenode(cursor, table) == before:
                yield f"{table} could not be rewritten: run VACUUM (FULL, ANALYZE) {table} as its owner."
    finally:
        cursor.execute("RESET lock_timeout")


def _filenode(cursor: Any, table: str) -> int:
    cursor.execute("SELECT pg_relation_filenode(%s::regclass)", [table])
    return int(cursor.fetchone()[0])
