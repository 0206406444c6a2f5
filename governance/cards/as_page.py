"""A card as the context of its page (`templates/governance/card.html`)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from governance.cards.compose import (
    ASSURANCES,
    KINDS,
    TABLES,
    Card,
    FilledField,
    FilledSection,
    Group,
    columns_of,
    last_part,
)
from governance.evidence.facts import Absence, Derivation, Document, Fact

PLAIN_UNITS = frozenset({"1", "share"})
DIGEST = re.compile(r"[0-9a-f]{64}")


def context(card: Card) -> dict[str, Any]:
    """`card` and `sections` of the page."""
    document = card.document
    filled = sum(not field.is_empty for section in card.sections for field in section.fields)
    total = sum(len(section.fields) for section in card.sections)
    return {
        "card": {
            "title": card.title,
            "kind": KINDS[card.kind],
            "subject": str(document.subject),
            "mark": card.mark,
            "simulated": document.simulated,
            "at": document.at.model_dump(),
            "digest": document.digest,
            "completeness": f"{filled} of {total} fields of the card schema have a value; each other one says why not.",
        },
        "sections": [_section(document, section) for section in card.sections],
    }


def _section(document: Document, filled: FilledSection) -> dict[str, Any]:
    facts = [fact for field in filled.fields for fact in _facts(document, field)]
    tables = [_table(document, field, rows) for field in filled.fields if (rows := _rows(field))]
    number, title = filled.section.number, filled.section.title
    return {"id": f"section-{number}", "number": number, "title": title, "facts": facts, "tables": tables}


def _rows(field: FilledField) -> list[Group]:
    return [
        group for group in field.groups if group.name and field.field.key in TABLES and not field.is_empty
    ]


def _facts(document: Document, field: FilledField) -> Iterator[dict[str, Any]]:
    if field.is_empty:
        yield _fact(document, field.facts[0], field.field.title, "")
        return
    rows = _rows(field)
    for group in field.groups:
        for fact in group.facts if group not in rows else ():
            parts = dict.fromkeys(part for part in (group.name.replace("_", " "), fact.label) if part)
            parts.pop(field.field.title, None)
            yield _fact(document, fact, field.field.title, ": ".join(parts))


def _fact(document: Document, fact: Fact, field: str, label: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "key": fact.key,
        "field": field,
        "label": label,
        "entries": document.entries_behind(fact),
    }
    if isinstance(fact.source, Absence):
        owner = f" (owner: {fact.source.owner})" if fact.source.owner else ""
        return {**shown, "empty": fact.state, "note": f"{fact.source.reason}{owner}"}
    return {
        **shown,
        "value": text(fact),
        "listed": fact.value if isinstance(fact.value, tuple) else None,
        "mono": DIGEST.fullmatch(text(fact)) is not None,
        "unit": None if fact.unit in PLAIN_UNITS else fact.unit,
        "assurance": ASSURANCES[fact.assurance] if fact.assurance else "",
        "derived": fact.source.function if isinstance(fact.source, Derivation) else None,
    }


def text(fact: Fact) -> str:
    """A value as people read it, without its unit."""
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    return ", ".join(fact.value) if isinstance(fact.value, tuple) else str(fact.value)


def _table(document: Document, field: FilledField, rows: Sequence[Group]) -> dict[str, Any]:
    columns = columns_of(rows)
    numeric = {last_part(fact) for row in rows for fact in row.facts if fact.number is not None}
    return {
        "caption": field.field.title,
        "columns": [{"title": "Name", "number": False}]
        + [{"title": columns[name], "number": name in numeric} for name in columns],
        "rows": [_row(document, row, list(columns), numeric) for row in rows],
    }


def _row(document: Document, row: Group, columns: Sequence[str], numeric: set[str]) -> dict[str, Any]:
    by_name = {last_part(fact): fact for fact in row.facts}
    cells = [{"text": row.name.replace("_", " "), "number": False}]
    for name in columns:
        fact = by_name.get(name)
        said = (
            "not recorded" if fact is None else fact.state.replace("_", " ") if fact.is_empty else text(fact)
        )
        cells.append({"text": said, "number": name in numeric})
    entries = sorted({index for fact in row.facts for index in document.entries_behind(fact)})
    return {"cells": cells, "entries": entries}
