"""A card as plain data for its typeset document (`typeset/card.typ`): what stands in which order, before any of it is drawn."""

from collections.abc import Collection, Sequence
from typing import Any

from governance.cards.compose import (
    ASSURANCES,
    KINDS,
    MEANING,
    SIMULATED,
    STATES,
    TABLES,
    Card,
    FilledField,
    FilledSection,
    Group,
)
from governance.cards.paper_tables import table
from governance.cards.paper_values import References, at_most, gap, is_code, item, value
from governance.cards.reading import newest
from governance.evidence.facts import Document, Fact

LONGEST_NAME = 200
"""Characters of a title; the field *Name* has all of them."""
LONGEST_HEAD = 60
IN_TABLES = TABLES | {"stages"}
"""Fields whose groups are rows of a table even when there is only one."""


def context(card: Card) -> dict[str, Any]:
    """The whole document in the subset that JSON has."""
    document = card.document
    references = References(document, {entry.index for entry in card.entries})
    fields = [field for section in card.sections for field in section.fields]
    filled = sum(not field.is_empty for field in fields)
    return {
        "kind": KINDS[card.kind],
        "name": card.kind,
        "title": at_most(card.title, LONGEST_NAME),
        "head": at_most(card.title, LONGEST_HEAD),
        "subject": str(document.subject),
        "mark": f"This card is {card.mark}." if card.mark else None,
        "simulated": f"Simulated: {SIMULATED}" if document.simulated else None,
        "meaning": MEANING,
        "about": _about(card, f"{filled} of {len(fields)}; each other one says why not"),
        "size": document.at.size,
        "digest": document.digest,
        "sections": [_section(references, section) for section in card.sections],
        "entries": [vars(entry) for entry in card.entries],
        "states": _legend(fields),
        "assurances": list(ASSURANCES.values()),
    }


def _about(card: Card, filled: str) -> list[dict[str, Any]]:
    document = card.document
    code = {
        "Subject": str(document.subject),
        "Digest of the subject": document.subject.digest,
        "Root of the ledger": document.at.root,
        "Digest of the evidence": document.digest,
    }
    plain = {
        "Newest entry named": newest(card).replace("T", " ").replace("Z", " UTC"),
        "Entries in the ledger": str(document.at.size),
        "Fields with a value": filled,
    }
    return [
        *({"label": label, "value": said, "mono": True} for label, said in code.items()),
        _answer(document, "artefact_id", "Behavioural identity"),
        _answer(document, "provider_legal_name", "Provider"),
        *({"label": label, "value": said, "mono": False} for label, said in plain.items()),
    ]


def _answer(document: Document, key: str, label: str) -> dict[str, Any]:
    """What a field says as a whole, or its gap."""
    fact = document.get(key) or next(iter(document.within(key)), None)
    if fact is None or fact.is_empty:
        return {"label": label, "gap": gap(fact) if fact else {"state": STATES["not_recorded"], "why": ""}}
    return {"label": label, "value": at_most(value(fact), LONGEST_NAME), "mono": is_code(value(fact))}


def _legend(fields: Collection[FilledField]) -> list[str]:
    """Words of the gaps that occur, in the order of the schema's states."""
    found = {fact.state for field in fields for fact in field.facts if fact.is_empty}
    return [words for state, words in STATES.items() if state in found]


def _section(references: References, filled: FilledSection) -> dict[str, Any]:
    return {
        "number": filled.section.number,
        "title": filled.section.title,
        "fields": [_field(references, field) for field in filled.fields if not field.is_empty],
        "empty": [_empty(field) for field in filled.fields if field.is_empty],
    }


def _field(references: References, filled: FilledField) -> dict[str, Any]:
    named = [group for group in filled.groups if group.name]
    rows = named if len(named) > 1 or filled.field.key in IN_TABLES else []
    lists = [group for group in filled.groups if group not in rows]
    return {
        "title": filled.field.title,
        "groups": [_group(references, group) for group in lists],
        "table": table(references, rows) if rows else None,
    }


def _group(references: References, group: Group) -> dict[str, Any]:
    return {"name": heading(group.name), "items": [item(references, fact) for fact in group.facts]}


def heading(name: str) -> str:
    """Name of a thing as people read it; the numbered ones are counted."""
    return f"No. {name}" if name.isdecimal() else name.replace("_", " ")


def _empty(filled: FilledField) -> dict[str, Any]:
    return {"title": filled.field.title, "gaps": _distinct(filled.facts)}


def _distinct(facts: Sequence[Fact]) -> list[dict[str, str]]:
    """Gaps that read alike once."""
    told: list[dict[str, str]] = []
    for fact in facts:
        if (one := gap(fact)) not in told:
            told.append(one)
    return told
