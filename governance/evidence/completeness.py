"""How much of what the public is to know has a value (pure). What was decided is left out: it comes after the gate."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

from governance.evidence.build import derived
from governance.evidence.facts import Fact
from governance.evidence.schema import FIELDS, ROOTS
from governance.ledger.decimals import decimal_text

KEY, FUNCTION = "card_snapshot.public_share", "public_share"
APART = frozenset({"card_snapshot", "thresholds_decision"})
"""The state of the record says nothing of the subject, and the decision is not there yet when a gate judges."""
PLACES = Decimal("0.0001")


def public_share(facts: Iterable[Fact]) -> Fact:
    """Of the public fields of the card schema that apply to the subject, the share that has a value; a gap with a reason has none."""
    applies: set[str] = set()
    filled: set[str] = set()
    for fact in facts:
        field = ROOTS[fact.field].key
        if FIELDS[field].visibility != "P" or field in APART:
            continue
        if fact.state != "not_applicable":
            applies.add(field)
        if not fact.is_empty:
            filled.add(field)
    share = Decimal(len(filled)) / max(1, len(applies))
    value = decimal_text(share.quantize(PLACES, ROUND_HALF_EVEN))
    return derived(KEY, "public fields with a value", FUNCTION, [], value, "share")
