"""One value or gap of a card as plain data for the typeset document."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from governance.cards.as_page import text
from governance.cards.compose import ASSURANCES, STATES
from governance.cards.reading import SHA256, SUBJECT, UNITLESS
from governance.evidence.facts import Absence, Derivation, Document, Fact

MOST_RUNS = 6
"""Runs of entry numbers that stand behind one value; what is derived from more names how many there are."""


class References:
    """The numbers that stand behind values: runs of entries, each leading to its first in the table of entries."""

    def __init__(self, document: Document, listed: Collection[int]) -> None:
        self.document, self.listed = document, listed

    def of(self, fact: Fact) -> list[dict[str, Any]]:
        return self.shown(self.document.entries_behind(fact))

    def shown(self, indices: Iterable[int]) -> list[dict[str, Any]]:
        """{text, to} for each run; `to` is null where the table does not hold the entry."""
        found = list(runs(indices))
        told = [
            {
                "text": str(first) if first == last else f"{first}–{last}",
                "to": first if first in self.listed else None,
            }
            for first, last in found[:MOST_RUNS]
        ]
        rest = sum(last - first + 1 for first, last in found[MOST_RUNS:])
        return [*told, {"text": f"and {rest} more", "to": None}] if rest else told


def runs(indices: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each unbroken run of rising numbers."""
    first = last = None
    for index in indices:
        if first is None or last is None:
            first = last = index
        elif index == last + 1:
            last = index
        else:
            yield first, last
            first = last = index
    if first is not None and last is not None:
        yield first, last


def item(references: References, fact: Fact) -> dict[str, Any]:
    """A fact with its label: {label, value, block, mono, sure, refs}, or {label, gap}."""
    if fact.is_empty:
        return {"label": fact.label, "gap": gap(fact)}
    said = value(fact)
    return {
        "label": fact.label,
        "value": said,
        "block": "\n" in said.strip(),
        "mono": is_code(said),
        "sure": sure(fact),
        "refs": references.of(fact),
    }


def value(fact: Fact) -> str:
    """A value with its unit."""
    return text(fact) if fact.unit in UNITLESS else f"{text(fact)} {fact.unit}"


def is_code(text: str) -> bool:
    """Whether a text is a digest or the name of a version, to be read letter by letter."""
    return any(code.fullmatch(text) for code in (SHA256, SUBJECT))


def gap(fact: Fact) -> dict[str, str]:
    """{state, why} of a gap, in words; `why` is empty where nobody gave a reason."""
    assert isinstance(fact.source, Absence)  # noqa: S101 - a gap has no other source
    owner = f" (owner: {fact.source.owner})" if fact.source.owner else ""
    return {"state": STATES[fact.state], "why": f"{fact.source.reason}{owner}"}


def sure(fact: Fact) -> str:
    """How sure a value is, and the function that made it where it is derived; empty for a gap."""
    words = ASSURANCES[fact.assurance] if fact.assurance else ""
    if isinstance(fact.source, Derivation):
        return f"derived by {fact.source.function.replace('_', ' ')}, {words}"
    return words


def at_most(value: str, length: int) -> str:
    """`value` on one line, cut where it is longer."""
    flat = " ".join(value.split())
    return flat if len(flat) <= length else f"{flat[: length - 1]}…"
