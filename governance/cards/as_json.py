"""A card as canonical JSON: the same sections, fields and facts that the other renderings show."""

from dataclasses import asdict
from typing import Any

from governance.cards.compose import Card, FilledField
from governance.ledger.canonical import canonical

SCHEMA = "card/1"


def render(card: Card) -> bytes:
    """The canonical bytes of the card."""
    document = card.document
    return canonical(
        {
            "schema": SCHEMA,
            "kind": card.kind,
            "audience": card.audience,
            "title": card.title,
            "subject": document.subject.model_dump(),
            "at": document.at.model_dump(),
            "simulated": document.simulated,
            "sections": [
                {
                    "number": filled.section.number,
                    "title": filled.section.title,
                    "fields": list(map(_field, filled.fields)),
                }
                for filled in card.sections
            ],
            "entries": [asdict(entry) for entry in card.entries],
        }
    )


def _field(filled: FilledField) -> dict[str, Any]:
    about = filled.field.model_dump(
        mode="json", include={"key", "title", "holds", "fill", "visibility", "standards"}
    )
    return {**about, "facts": [fact.plain() for fact in filled.facts]}
