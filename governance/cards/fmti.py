"""A card as a self-report on the 100 indicators of the Foundation Model Transparency Index (CSV): no score, and none of its own."""

import csv
import io
from collections.abc import Iterator

from governance.cards import filling
from governance.cards.compose import Card
from governance.cards.forms import data
from governance.cards.front_matter import plain
from governance.cards.reading import about, answers
from governance.evidence.facts import Document

HEAD = ("indicator", "about", "state", "answer", "entries", "who can fill it")
OUTSIDE = "not recorded: It is about the organisation, which no record here describes."
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that spreadsheets take for a formula."""


def render(card: Card) -> bytes:
    """100 rows in the index's order, after one that names the columns. The same card gives the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for number, indicator in data("fmti")["indicators"].items():
        row = _row(card.document, indicator["facts"])
        writer.writerow([number, *map(_inert, [indicator["label"], *row])])
    return text.getvalue().encode()


def _row(document: Document, keys: list[str]) -> Iterator[str]:
    found = about(document, keys)
    if any(not fact.is_empty for fact in found):
        yield "answered"
        yield "; ".join(answers(found))
        yield " ".join(map(str, sorted({index for fact in found for index in document.entries_behind(fact)})))
        yield ""
        return
    states = dict.fromkeys(fact.state.replace("_", " ") for fact in found)
    yield ", ".join(states) or "not recorded"
    yield "; ".join(answers(found)) if keys else OUTSIDE
    yield ""
    yield filling.advice(keys, document.subject.kind, found)


def _inert(cell: str) -> str:
    """One line that no spreadsheet computes."""
    flat = plain(cell)
    return f"'{flat}" if flat.startswith(FORMULA) else flat
