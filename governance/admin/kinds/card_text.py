from django.contrib import admin

from governance.admin.drafts import TextAdmin
from governance.admin.look import Look
from governance.evidence.schema import sections
from governance.registry.proxies import CardText

BY_PEOPLE = {"H", "M"}
"""Fields of the card that a person fills, or signs."""


def fields() -> list[tuple[str, str]]:
    """Fields of the card that a text may be written for, in the card's order, with the kinds that have them."""
    return [
        (field.key, f"{section.title}: {field.title} ({', '.join(field.subjects)})")
        for section in sections()
        for field in section.fields
        if field.fill in BY_PEOPLE
    ]


@admin.register(CardText)
class CardTextAdmin(TextAdmin):
    kind = "card-text"
    look = Look(
        labels={"fields": "Texts"},
        nouns={"fields": "field of the card"},
        helps={
            "fields": "One text for each field of the card that people fill.",
            "subject": "Whose card it belongs to: model:slug, dataset:slug or release:slug.",
        },
        keys={"fields": fields},
    )
