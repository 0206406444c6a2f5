"""Forms that a law or an index lays down: read from dated data files, each item answered from the facts of a card."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from governance.cards import escaping, filling, markdown
from governance.cards.compose import ASSURANCES, MEANING, SIMULATED, Card
from governance.cards.reading import NOTHING, about, rows, value
from governance.evidence.facts import Document, Fact
from governance.evidence.schema import ROOTS

FOLDER = Path(__file__).with_name("standards")


class Item(BaseModel):
    """One thing that a form asks. Its words are ours; the number is the form's."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    number: str
    title: str
    facts: tuple[str, ...]
    """Keys of fields or of facts that answer it; what stands below a key counts."""
    readers: tuple[str, ...] = ()
    source_types: tuple[str, ...] = ()
    """Source types of datasets: those of the mixture that have one of them are listed first."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    title: str
    items: tuple[Item, ...]


class Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    title: str
    of: str
    """Who lays it down, and where."""
    as_of: str
    """Date of the text that it follows."""
    note: str
    readers: dict[str, str] = {}
    """Letter → who reads the items that are marked with it."""
    parts: tuple[Part, ...]


@cache
def data(name: str) -> dict[str, Any]:
    """A data file of `standards/`."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


@cache
def form(name: str) -> Form:
    """A form of `standards/`."""
    return Form.model_validate({**data(name), "as_of": str(data(name)["as_of"])})


def render(card: Card, name: str) -> bytes:
    """The form as Markdown. The same card gives the same bytes."""
    return "\n".join(_lines(card, form(name))).encode()


def _lines(card: Card, asked: Form) -> Iterator[str]:
    document = card.document
    yield f"# {asked.title}: {escaping.text(card.title)}"
    yield ""
    if document.simulated:
        yield f"**Simulated:** {SIMULATED}"
        yield ""
    yield f"{asked.of}; text of {asked.as_of}. {asked.note}"
    yield ""
    yield f"About {escaping.name(str(document.subject))} with the digest `{document.subject.digest}`,"
    yield f"as recorded in the first {document.at.size} entries of the ledger, whose root is `{document.at.root}`."
    yield ""
    yield MEANING
    yield ""
    for letter, who in asked.readers.items():
        yield f"- {letter}: for {who}"
    for part in asked.parts:
        yield ""
        yield f"## {part.number} {part.title}"
        for item in part.items:
            yield ""
            marks = f" ({', '.join(item.readers)})" if item.readers else ""
            yield f"### {item.number} {item.title}{marks}"
            yield ""
            yield from _answer(document, item)
    yield ""


def _answer(document: Document, item: Item) -> Iterator[str]:
    found = [*_listed(document, item), *about(document, item.facts)]
    for fact in found:
        yield from [_gap(fact)] if fact.is_empty else _value(document, fact)
    if item.source_types and all(fact.is_empty for fact in found):
        yield f"- None of the datasets that the card shows has the source type {' or '.join(item.source_types)}."
    elif not found:
        yield f"- *{escaping.text(NOTHING)}*"
    if all(fact.is_empty for fact in found):
        yield f"- To be filled: {escaping.text(filling.advice(item.facts, document.subject.kind, found))}"


def _listed(document: Document, item: Item) -> list[Fact]:
    numbers = [
        number for number, row in rows(document, "mixture") if value(row, "source_type") in item.source_types
    ]
    return about(document, [f"mixture.{number}" for number in numbers])


def _gap(fact: Fact) -> str:
    return f"- {escaping.text(ROOTS[fact.field].title)}: {markdown.gap_text(fact)}"


def _value(document: Document, fact: Fact) -> Iterator[str]:
    entries = ", ".join(str(index) for index in document.entries_behind(fact))
    sure = (
        f"{ASSURANCES[fact.assurance] if fact.assurance else ''}{f'; entries {entries}' if entries else ''}"
    )
    parts = fact.key.split(".")
    of = f"{parts[1].replace('_', ' ')}, " if len(parts) > 2 else ""
    label = escaping.text(f"{of}{fact.label}")
    if isinstance(fact.value, str) and "\n" in fact.value.strip():
        yield f"- {label} ({sure}):"
        yield ""
        yield from (f"  {line}".rstrip() for line in escaping.block(fact.value).split("\n"))
        yield ""
    else:
        yield f"- {label}: {markdown.shown(fact)} ({sure})"
