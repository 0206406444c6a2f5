"""Search over 50,000 documents, on SQLite and, where a server answers, on PostgreSQL; against a scan of the same texts."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from django.db import connection, transaction

from benchmarks import scratch
from benchmarks.figures import Aim, Figure
from benchmarks.paired import alternating
from governance.registry import search
from governance.registry.search.rows import rows_of
from governance.registry.search.store import BATCH, tables

SEED = 1
VOCABULARY = 20_000
HAN = 3_000
WORDS = 80
EVERY_TENTH = 10
QUERIES = {
    "a rare word": ("w19999", "w19999"),
    "a word in every hundredth": ("w500", "w500"),
    "a word in nearly all": ("w0 w1", "w0"),
    "one letter": ("w", "w"),
    "two characters of Chinese": ("\u4e00\u4e01", "\u4e00\u4e01"),
    "a name": ("dataset-s1200", "s1200"),
}
"""What it stands for → the query, and the piece of text that the scan looks for."""

Texts = Sequence[tuple[str, str]]


def figures(quick: bool) -> Iterator[Figure]:
    """Milliseconds a query, and documents a second that are indexed."""
    count = 2_000 if quick else 50_000
    made = list(documents(count))
    with scratch.sqlite("search"):
        yield from _on("SQLite", made, quick)
    with scratch.postgres() as answers:
        if answers:
            yield from _on("PostgreSQL", made, quick)


def _on(database: str, made: Texts, quick: bool) -> Iterator[Figure]:
    seconds = alternating({"index": partial(fill, made)}, 1)["index"]
    yield Figure(
        f"{database}: index {len(made):,} documents", "documents/s", [len(made) / one for one in seconds]
    )
    for told, (query, piece) in QUERIES.items():
        sides: dict[str, Callable[[], float | None]] = {
            "ours": partial(find, query),
            "scan": partial(scan, piece),
        }
        found = alternating(sides, 3 if quick else 11)
        milliseconds = {name: [1_000 * one for one in values] for name, values in found.items()}
        yield Figure(
            f"{database}: find {told}",
            "ms",
            milliseconds["ours"],
            milliseconds["scan"],
            "LIKE scan",
            Aim("value", 100),
        )


def fill(made: Texts) -> None:
    """Index the documents as `reindex` does."""
    types = list(search.known())
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(made), BATCH):
            rows = [
                row
                for number, (names, text) in enumerate(made[start : start + BATCH], start)
                for row in rows_of(types[number % len(types)], f"{number:032x}", search.Document(names, text))
            ]
            tables(connection).put(cursor, rows)
        tables(connection).compact(cursor)


def find(query: str) -> None:
    search.find(query)


def scan(piece: str) -> None:
    """The best that a database does without an index: read every text, count those with the piece."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM registry_search WHERE text LIKE %s", [f"%{piece}%"])
        cursor.fetchone()


def documents(count: int) -> Iterator[tuple[str, str]]:
    """(names, text): 80 words of a vocabulary in which the n-th word is 1/n as frequent; every tenth text is Chinese."""
    rng = random.Random(SEED)
    words = [f"w{number}" for number in range(VOCABULARY)]
    han = [chr(0x4E00 + number) for number in range(HAN)]
    often = {
        len(pool): list(itertools.accumulate(1 / rank for rank in range(1, len(pool) + 1)))
        for pool in (words, han)
    }
    for number in range(count):
        pool = words if number % EVERY_TENTH else han
        text = ("" if pool is han else " ").join(rng.choices(pool, cum_weights=often[len(pool)], k=WORDS))
        yield f"dataset s{number // 4} v{number % 4}", text
