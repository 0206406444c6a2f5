"""Rows of the index, the same in both databases, and what each of the two must be able to do with them."""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, NamedTuple, Protocol

from governance.registry.search.sources import Document
from governance.registry.search.words import Term, folded, words

PART = 4_000
"""Words of a row. PostgreSQL counts no places behind 16,383 and not more than 255 of one word."""
MOST = 1_000
"""Rows of one type that a search ranks, the newest of those that match: it bounds what any query costs."""


class Row(NamedTuple):
    """A document, or a part of a long one. `names` and `words` are folded; `text` is what the words stand in."""

    type: str
    kind: str
    object: str
    text: str
    names: list[str]
    words: list[str]


class Hit(NamedTuple):
    id: int
    type: str
    object: str
    score: float
    """More is better."""


class Tables(Protocol):
    """The tables of one database. Statements run on the cursor's connection, in the caller's transaction."""

    def create(self) -> list[str]: ...

    def put(self, cursor: Any, rows: Sequence[Row]) -> None: ...

    def drop(self, cursor: Any, type: str, object: str) -> None: ...

    def clear(self, cursor: Any) -> None: ...

    def compact(self, cursor: Any) -> None:
        """Leave nothing behind of what was dropped, as far as the database lets us within a transaction."""

    def find(self, cursor: Any, terms: Sequence[Term], type: str, kind: str) -> list[Hit]:
        """The newest MOST rows of a type that hold all terms; of any kind where none is named."""


def rows_of(type: str, object: str, document: Document) -> Iterator[Row]:
    """The document as rows of at most PART words, each with all its names."""
    names = folded(document.names)[:PART]
    for text in parts(document.text):
        yield Row(type, document.kind, object, text, names, folded(text))


def parts(text: str) -> Iterator[str]:
    """A text in pieces of at most PART words, cut between words."""
    if len(text) <= PART:
        yield text
        return
    ends = [word.end for word in islice(words(text), PART - 1, None, PART)]
    yield from (part for start, end in pairwise([0, *ends, len(text)]) if (part := text[start:end]).strip())
