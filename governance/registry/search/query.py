"""Asking: what a person typed, as ranked results with the passages that show why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, overload

from django.db import connection

from governance.registry.search import sources
from governance.registry.search.passages import Piece, passage
from governance.registry.search.rows import MOST, Hit
from governance.registry.search.sources import Shown, Source
from governance.registry.search.store import tables
from governance.registry.search.words import Term, terms


class Result(NamedTuple):
    type: str
    id: str
    shown: Shown
    passage: list[Piece]

    @property
    def source(self) -> Source:
        return sources.known()[self.type]


class Results(Sequence[Result]):
    """What was found, best first; only the slice that is asked for is read from the database."""

    def __init__(self, asked: list[Term], hits: list[Hit], full: frozenset[str] = frozenset()) -> None:
        self.terms, self.hits = asked, hits
        self.full = full
        """Types of which more rows match than are ranked."""

    @property
    def counts(self) -> list[tuple[Source, int]]:
        """How many there are of each type that has any."""
        numbers = Counter(hit.type for hit in self.hits)
        return [(source, numbers[name]) for name, source in sources.known().items() if name in numbers]

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, place: int) -> Result: ...
    @overload
    def __getitem__(self, place: slice) -> list[Result]: ...
    def __getitem__(self, place: int | slice) -> Result | list[Result]:
        if isinstance(place, int):
            return self._read([self.hits[place]])[0]
        return self._read(self.hits[place])

    def _read(self, hits: list[Hit]) -> list[Result]:
        rows, texts = _rows(hits), _texts([hit.id for hit in hits])
        return [
            Result(
                hit.type, hit.object, rows[hit.type, hit.object], passage(texts.get(hit.id, ""), self.terms)
            )
            for hit in hits
            if (hit.type, hit.object) in rows
        ]


def find(query: str, *, type: str = "", kind: str = "") -> Results:
    """What holds all the words of `query`: of one type, or of each the newest MOST, ranked together. Raises BadQuery.

    The index holds only what every signed-in person may read, so the answer is the same whoever asks.
    """
    asked = terms(query)
    wanted = [name for name in sources.known() if type in ("", name)] if asked else []
    with connection.cursor() as cursor:
        found = {name: tables(connection).find(cursor, asked, name, kind) for name in wanted}
    full = frozenset(name for name, hits in found.items() if len(hits) == MOST)
    return Results(asked, _ranked(hit for hits in found.values() for hit in hits), full)


def _ranked(hits: Iterable[Hit]) -> list[Hit]:
    """The best part of each document, the best documents first, and of equals the newest."""
    best: dict[tuple[str, str], Hit] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.score, -hit.id)):
        best.setdefault((hit.type, hit.object), hit)
    return list(best.values())


def _rows(hits: list[Hit]) -> dict[tuple[str, str], Shown]:
    """How each hit is shown: one query a type."""
    found: dict[tuple[str, str], Shown] = {}
    for name, source in sources.known().items():
        if wanted := [hit.object for hit in hits if hit.type == name]:
            for row in source.rows().filter(pk__in=wanted):
                found[name, str(row.pk)] = source.shown(row)
    return found


def _texts(ids: list[int]) -> dict[int, str]:
    if not ids:
        return {}
    places = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, text FROM registry_search WHERE id IN ({places})", ids)  # noqa: S608
        return dict(cursor.fetchall())
