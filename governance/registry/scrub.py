"""What a DELETE leaves in a database's files, taken out of them: old pages, dead rows, samples in the planner's statistics."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import DatabaseError, connection

STATISTICS = "pg_statistic"
"""PostgreSQL's planner keeps samples of every column here, words of the search index among them."""
FIRST_PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 30.0
"""How long a lock on a table is waited for, and by all tables together the end of transactions that see erased rows."""


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
    cursor.execute(f"SET lock_timeout = '{PATIENCE_SECONDS:.0f}s'")
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        for table in tables:
            yield from _rewritten(cursor, table, deadline)
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
        yield from _rewritten(cursor, STATISTICS, deadline)
    finally:
        cursor.execute("RESET lock_timeout")


def _rewritten(cursor: Any, table: str, deadline: float) -> Iterator[str]:
    before, pause = _filenode(cursor, table), FIRST_PAUSE_SECONDS
    while left := _vacuum(cursor, table):
        if time.monotonic() > deadline:
            yield (
                f"{left} erased rows of {table} are still in its file, because a transaction that began before can"
                " see them: end it (pg_stat_activity names it), then run `manage.py erase --finish`."
            )
            return
        # Each try locks everybody out of the table while it is rewritten, so there are few.
        time.sleep(pause)
        pause *= 2
    # Whoever does not own a table gets a warning and no VACUUM.
    if _filenode(cursor, table) == before:
        yield f"{table} could not be rewritten: run VACUUM (FULL, ANALYZE) {table} as its owner."


def _vacuum(cursor: Any, table: str) -> int:
    """Rewrite the table; return how many dead rows had to stay, which the server says first in the details."""
    told: list[str] = []

    def listen(notice: Any) -> None:
        told.append(notice.message_detail or "")

    connection.connection.add_notice_handler(listen)
    try:
        cursor.execute(f"VACUUM (FULL, VERBOSE) {connection.ops.quote_name(table)}")
    finally:
        connection.connection.remove_notice_handler(listen)
    return sum(int(found[0]) for detail in told if (found := re.match(r"\d+", detail)))


def _filenode(cursor: Any, table: str) -> int:
    cursor.execute("SELECT pg_relation_filenode(%s::regclass)", [table])
    return int(cursor.fetchone()[0])
