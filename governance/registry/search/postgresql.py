"""Search on PostgreSQL: rows with a tsvector of their words, which is built here and not by the server's parser and
dictionaries, so that both databases find the same."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from governance.registry.search.rows import MOST, Hit, Row
from governance.registry.search.words import Term

TABLE = """
CREATE TABLE IF NOT EXISTS registry_search (
    id bigserial PRIMARY KEY, type text NOT NULL, kind text NOT NULL, object text NOT NULL, text text NOT NULL,
    words tsvector NOT NULL
)"""
CREATE = [
    TABLE,
    "CREATE INDEX IF NOT EXISTS registry_search_object ON registry_search (object, type)",
    "CREATE INDEX IF NOT EXISTS registry_search_newest ON registry_search (type, id)",
    "CREATE INDEX IF NOT EXISTS registry_search_words ON registry_search USING gin (words)",
]


class Postgres:
    def create(self) -> list[str]:
        return CREATE

    def put(self, cursor: Any, rows: Sequence[Row]) -> None:
        cursor.executemany(
            "INSERT INTO registry_search (type, kind, object, text, words) VALUES (%s, %s, %s, %s, %s::tsvector)",
            [(row.type, row.kind, row.object, row.text, vector(row)) for row in rows],
        )

    def drop(self, cursor: Any, type: str, object: str) -> None:
        cursor.execute("DELETE FROM registry_search WHERE object = %s AND type = %s", [object, type])

    def clear(self, cursor: Any) -> None:
        cursor.execute("DELETE FROM registry_search")

    def compact(self, cursor: Any) -> None:
        """Dead rows go with the next VACUUM, which no transaction may hold."""

    def find(self, cursor: Any, terms: Sequence[Term], type: str, kind: str) -> list[Hit]:
        cursor.execute(
            "SELECT id, type, object, ts_rank('{0.1, 0.2, 0.4, 1.0}', words, %s::tsquery, 1) FROM registry_search"
            " WHERE words @@ %s::tsquery AND type = %s AND %s IN ('', kind) ORDER BY id DESC LIMIT %s",
            [expression(terms), expression(terms), type, kind, MOST],
        )
        return [Hit(*row) for row in cursor.fetchall()]


def vector(row: Row) -> str:
    """The row's words as a tsvector: the names labelled A, and a gap behind them that no phrase crosses."""
    places: dict[str, list[str]] = defaultdict(list)
    for place, word in enumerate(row.names, 1):
        places[word].append(f"{place}A")
    for place, word in enumerate(row.words, len(row.names) + 2):
        places[word].append(str(place))
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def expression(terms: Sequence[Term]) -> str:
    """The terms as a tsquery: words are quoted, so nothing that a person types is an operator."""
    return " & ".join(_phrase(term) for term in terms)


def _phrase(term: Term) -> str:
    quoted = [f"'{word}'" for word in term.words]
    return f"({' <-> '.join(quoted)}{':*' if term.prefix else ''})"
