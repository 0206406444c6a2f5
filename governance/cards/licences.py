"""Licences as the standards name them: identifiers of the SPDX list where a record uses one (pure)."""

from functools import cache

from governance.cards.forms import data
from governance.cards.reading import known, model_of, rows, value
from governance.evidence.facts import Document


@cache
def _identifiers() -> dict[str, str]:
    return {name.lower(): name for name in data("spdx_licences")["identifiers"]}


def identifier(name: str) -> str | None:
    """The SPDX identifier that a recorded name is, whatever its case; None for any other licence."""
    return _identifiers().get(name.strip().lower())


def recorded(document: Document) -> dict[str, str]:
    """Version that the card names → its licence as recorded, where the card holds one."""
    found: dict[str, str] = {}
    for field, last in (("mixture", "dataset"), ("licence", "of")):
        for _, row in rows(document, field):
            subject, licence = value(row, last), value(row, "licence")
            if subject and licence:
                found[subject] = licence
    own = known(document, "licence")
    return {**found, model_of(document): own} if own else found
