"""Who may read what: evidence as one audience sees it."""

from collections.abc import Collection

from governance.evidence.build import gap
from governance.evidence.facts import Derivation, Document, Fact
from governance.evidence.schema import ROOTS
from governance.ledger.recompute import FUNCTIONS

AUDIENCES: dict[str, frozenset[str]] = {"public": frozenset({"P"})}
"""Audience → visibility classes of the card schema that it reads, and classes of entries' parts that a bundle opens to it."""
REASONS = {
    "D": "Given to downstream providers on request.",
    "R": "Given to authorities on request.",
    "I": "Kept inside the organisation.",
}


def shown_to(document: Document, audience: str) -> Document:
    """The document with every value that `audience` may not read replaced by *withheld*, its reason and its owner.

    What is recomputed from a withheld value is withheld too, since nobody could check it. Raises KeyError for an unknown
    audience.
    """
    hidden = _hidden(document.facts, AUDIENCES[audience])
    owner = document.get(f"authorship.{document.subject.kind}.created_by")
    name = str(owner.value) if owner else ""
    facts = [_withheld(fact, name) if fact.key in hidden else fact for fact in document.facts]
    return Document(subject=document.subject, at=document.at, facts=tuple(facts))


def _hidden(facts: Collection[Fact], classes: frozenset[str]) -> set[str]:
    hidden = {fact.key for fact in facts if not fact.is_empty and ROOTS[fact.field].visibility not in classes}
    while more := {fact.key for fact in facts if fact.key not in hidden and _rests_on(fact, hidden)}:
        hidden |= more
    return hidden


def _rests_on(fact: Fact, hidden: set[str]) -> bool:
    source = fact.source
    return (
        isinstance(source, Derivation)
        and source.function in FUNCTIONS
        and not hidden.isdisjoint(source.inputs)
    )


def _withheld(fact: Fact, owner: str) -> Fact:
    reason = REASONS.get(ROOTS[fact.field].visibility, "It rests on what is not shown.")
    return gap(fact.key, fact.label, "withheld", reason, owner)
