"""Search on SQLite: rows beside an FTS5 table of their words.

The words come folded and apart, so FTS5's plain `ascii` tokenizer only parts them at spaces. Without the prefix indexes an
unfinished last word would be looked for as every word that begins so.
"""

from collections.abc import Sequence
from typing import Any

from governance.registry.search.rows import MOST, Hit, Row
from governance.registry.search.words import Term

TABLE = """
CREATE TABLE IF NOT EXISTS registry_search (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL, text TEXT NOT NULL
)"""
WORDS = """
CREATE VIRTUAL TABLE IF NOT EXISTS registry_search_words USING fts5(
    names, words, tokenize = 'ascii', prefix = '1 2 3'
)"""
CREATE = [
    TABLE,
    "CREATE INDEX IF NOT EXISTS registry_search_object ON registry_search (object, type)",
    WORDS,
]


class Sqlite:
    def create(self) -> list[str]:
        return CREATE

    def put(self, cursor: Any, rows: Sequence[Row]) -> None:
        cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM registry_search")
        numbered = list(enumerate(rows, cursor.fetchone()[0]))
        cursor.executemany(
            "INSERT INTO registry_search (id, type, kind, object, text) VALUES (%s, %s, %s, %s, %s)",
            [(number, row.type, row.kind, row.object, row.text) for number, row in numbered],
        )
        cursor.executemany(
            "INSERT INTO registry_search_words (rowid, names, words) VALUES (%s, %s, %s)",
            [(number, " ".join(row.names), " ".join(row.words)) for number, row in numbered],
        )

    def drop(self, cursor: Any, type: str, object: str) -> None:
        which = "object = %s AND type = %s"
        cursor.execute(
            f"DELETE FROM registry_search_words WHERE rowid IN (SELECT id FROM registry_search WHERE {which})",  # noqa: S608
            [object, type],
        )
        cursor.execute(f"DELETE FROM registry_search WHERE {which}", [object, type])  # noqa: S608

    def clear(self, cursor: Any) -> None:
        cursor.execute("DELETE FROM registry_search_words")
        cursor.execute("DELETE FROM registry_search")

    def compact(self, cursor: Any) -> None:
        """FTS5 only marks words as deleted until its segments are merged; the freed pages are then zeroed by secure_delete."""
        cursor.execute("INSERT INTO registry_search_words (registry_search_words) VALUES ('optimize')")

    def find(self, cursor: Any, terms: Sequence[Term], type: str, kind: str) -> list[Hit]:
        cursor.execute(
            "SELECT found.id, found.type, found.object, -bm25(registry_search_words, 5.0, 1.0)"
            " FROM registry_search_words JOIN registry_search found ON found.id = registry_search_words.rowid"
            " WHERE registry_search_words MATCH %s AND found.type = %s AND %s IN ('', found.kind)"
            " ORDER BY registry_search_words.rowid DESC LIMIT %s",
            [expression(terms), type, kind, MOST],
        )
        return [Hit(*row) for row in cursor.fetchall()]


def expression(terms: Sequence[Term]) -> str:
    """The terms for MATCH: words are quoted, so nothing that a person types is an operator."""
    return " AND ".join(f'"{" ".join(term.words)}"{" *" if term.prefix else ""}' for term in terms)
