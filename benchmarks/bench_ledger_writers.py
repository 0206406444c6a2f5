"""Commits a second of one, four and eight writers: rows alone, rows with Charter's entries, rows in an inline hash chain."""

from collections.abc import Iterator

from benchmarks import scratch
from benchmarks.figures import Aim, Figure

ROUNDS_AND_SECONDS, QUICK = (9, 1.5), (2, 0.3)
EIGHT = "8"


def figures(quick: bool) -> Iterator[Figure]:
    """Commits a second, on disk. A sequencer and signer runs beside them all the time."""
    yield from _on("SQLite", None, quick)
    with scratch.empty_postgres() as url:
        if url:
            yield from _on("PostgreSQL", url, quick)
        else:
            yield Figure("PostgreSQL: writers", "commits/s", skipped="PostgreSQL does not answer")


def _on(database: str, url: str | None, quick: bool) -> Iterator[Figure]:
    for count, found in scratch.trails("writers", url, *(QUICK if quick else ROUNDS_AND_SECONDS)).items():
        name = f"{database}, writers: {count}"
        aim = Aim("ratio", 2.5, is_least=True) if (database, count) == ("PostgreSQL", EIGHT) else None
        yield Figure(f"{name}, with entries", "commits/s", found["ours"], found["chain"], "hash chain", aim)
        yield Figure(f"{name}, with entries", "commits/s", found["ours"], found["rows"], "rows alone")
