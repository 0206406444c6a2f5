"""What each standard demands and what the record holds of it: every gap with its state, who can fill it, and where. Not a score."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from governance.cards import escaping, filling
from governance.cards.compose import Card, FilledField
from governance.cards.forms import data
from governance.cards.reading import fields, words
from governance.evidence.schema import Field


@dataclass(frozen=True)
class Gap:
    """A demanded field without any value."""

    field: str
    title: str
    demanded: str
    """How the standard names it: its section or number."""
    states: tuple[str, ...]
    said: str
    groups: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class Standard:
    code: str
    title: str
    as_of: str
    demanded: int
    """Fields that it demands of this kind of subject."""
    held: int
    gaps: tuple[Gap, ...]
    elsewhere: int
    """Fields that it demands of another kind of subject."""


def standards(card: Card) -> list[Standard]:
    """Every standard of `standards/standards.yaml`, in its order."""
    kind = card.document.subject.kind
    return [_standard(card, kind, code, about) for code, about in data("standards")["standards"].items()]


def _standard(card: Card, kind: str, code: str, about: dict[str, str]) -> Standard:
    asked = [
        (filled, place) for filled in fields(card) if (place := demanded_by(filled.field, code)) is not None
    ]
    ours = [(filled, place) for filled, place in asked if kind in filled.field.subjects]
    gaps = tuple(_gap(filled, place) for filled, place in ours if filled.is_empty)
    return Standard(
        code,
        about["title"],
        str(about["as_of"]),
        len(ours),
        len(ours) - len(gaps),
        gaps,
        len(asked) - len(ours),
    )


def demanded_by(field: Field, code: str) -> str | None:
    """Where in a standard a field is demanded: what follows the standard's code in the schema; None where it is not."""
    found = [
        match[1].strip()
        for part in field.standards.split(";")
        if (match := _pattern(code).fullmatch(part.strip()))
    ]
    return "; ".join(found) if found else None


@cache
def _pattern(code: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(code)}(?![A-Za-z])[ -]?(.*)")


def _gap(filled: FilledField, place: str) -> Gap:
    field, way = filled.field, filling.way(filled.field.key)
    states = tuple(dict.fromkeys(fact.state for fact in filled.facts))
    said = "; ".join(dict.fromkeys(map(words, filled.facts)))
    if states == ("withheld",):
        way = filling.WITHHELD
    return Gap(field.key, field.title, place, states, said, way.groups, way.where)


def render(card: Card) -> bytes:
    """All of it as Markdown. The same card gives the same bytes."""
    return "\n".join(_lines(card, standards(card))).encode()


def _lines(card: Card, found: Sequence[Standard]) -> Iterator[str]:
    document = card.document
    yield f"# Coverage of standards: {escaping.text(card.title)}"
    yield ""
    yield f"About {escaping.name(str(document.subject))}, as recorded in the first {document.at.size} entries of the ledger."
    yield "What each standard demands of the card, and what the record holds of it. This is no score, and nothing here says that"
    yield "a duty is met: a field counts as held when the record has any value for it."
    yield ""
    yield from _row(
        ["standard", "text of", "fields that it demands", "with a value", "gaps", "of other kinds of subject"]
    )
    yield from _row(["---"] * 6)
    for one in found:
        yield from _row(
            [
                escaping.text(one.title),
                one.as_of,
                *map(str, (one.demanded, one.held, len(one.gaps), one.elsewhere)),
            ]
        )
    for one in found:
        if one.gaps:
            yield ""
            yield f"## {escaping.text(one.title)}"
            yield ""
            yield from _row(["field", "demanded in", "what the record says", "who can fill it", "where"])
            yield from _row(["---"] * 5)
            for gap in one.gaps:
                who = " or ".join(gap.groups) or "nobody"
                yield from _row(
                    map(escaping.text, [gap.title, gap.demanded or "as a whole", gap.said, who, gap.where])
                )
    yield ""


def _row(cells: Iterable[str]) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
