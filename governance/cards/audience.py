"""Who may read what: evidence as one audience sees it."""

from collections.abc import Collection

from governance.cards.commitments import commitment_to
from governance.evidence.build import gap
from governance.evidence.facts import Derivation, Document, Fact, Pointer
from governance.evidence.schema import ROOTS
from governance.ledger.recompute import FUNCTIONS

PUBLIC = "public"
AUDIENCES: dict[str, frozenset[str]] = {
    PUBLIC: frozenset("P"),
    "downstream": frozenset("PD"),
    "authority": frozenset("PDR"),
}
"""Audience → visibility classes of the card schema that it reads, and classes of entries' parts that a bundle opens to it."""
MARKS = {"downstream": "for downstream providers", "authority": "for authorities"}
"""What stands at the head of a card that is not for everybody."""
REASONS = {
    "D": "Given to downstream providers on request.",
    "R": "Given to authorities on request.",
    "I": "Kept inside the organisation.",
}


def shown_to(document: Document, audience: str, secret: bytes) -> Document:
    """The document with every value that `audience` may not read replaced by *withheld*, its reason, its owner and a
    commitment to it, salted from the secret of the subject.

    What is recomputed from a withheld value is withheld too, since nobody could check it. Raises KeyError for an unknown
    audience.
    """
    hidden = _hidden(document.facts, AUDIENCES[audience])
    owner = document.get(f"authorship.{document.subject.kind}.created_by")
    name = str(owner.value) if owner else ""
    facts = [
        _withheld(fact, name, commitment_to(fact, secret, document.at.size)) if fact.key in hidden else fact
        for fact in document.facts
    ]
    return Document(subject=document.subject, at=document.at, facts=tuple(facts))


def _hidden(facts: Collection[Fact], classes: frozenset[str]) -> set[str]:
    hidden = {fact.key for fact in facts if not fact.is_empty and not _is_for(fact, classes)}
    while more := {fact.key for fact in facts if fact.key not in hidden and _rests_on(fact, hidden)}:
        hidden |= more
    return hidden


def _is_for(fact: Fact, classes: frozenset[str]) -> bool:
    place = fact.source.cls if isinstance(fact.source, Pointer) else "body"
    return ROOTS[fact.field].visibility in classes and place in {*classes, "body"}


def _rests_on(fact: Fact, hidden: set[str]) -> bool:
    source = fact.source
    return (
        isinstance(source, Derivation)
        and source.function in FUNCTIONS
        and not hidden.isdisjoint(source.inputs)
    )


def _withheld(fact: Fact, owner: str, commitment: str) -> Fact:
    reason = REASONS.get(ROOTS[fact.field].visibility, "It rests on what is not shown.")
    return gap(fact.key, fact.label, "withheld", reason, owner).model_copy(update={"commitment": commitment})
