"""Hand something to somebody who may read more than the public: a bundle, a card, or one withheld fact. Each is an entry."""

from django.db import transaction
from django.utils import timezone

from governance.cards.audience import AUDIENCES, shown_to
from governance.cards.bundle import bundle_of
from governance.cards.commitments import salt_of, secret_of
from governance.cards.compose import card_of
from governance.cards.events import CardEvent
from governance.cards.formats import rendered
from governance.cards.models import Disclosure
from governance.evidence.collect import collect
from governance.evidence.facts import Document
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.models import Checkpoint
from governance.ledger.opening import SCHEMA
from governance.registry.actions import Refused
from governance.registry.models import Version

ACTION = "cards:bundle:restricted"
MAX_RECIPIENT = 200
ZIP, OPENING = "zip", "opening"


def make_bundle(
    version: Version, checkpoint: Checkpoint, *, audience: str, recipient: str, actor: Actor
) -> bytes:
    """The bundle for `audience`, handed to `recipient` (free text).

    Raises Refused without a recipient and for a restricted version, and what `bundle_of` raises.
    """
    _check(version, recipient)
    document = card_of(version, checkpoint.size, audience=audience).document
    data = bundle_of(version, checkpoint, audience=audience)
    _record(version, document, data, what=ZIP, audience=audience, recipient=recipient, actor=actor)
    return data


def make_card(
    version: Version, size: int, form: str, *, kind: str | None, audience: str, recipient: str, actor: Actor
) -> bytes:
    """A rendering of the card for `audience`, handed to `recipient`. Raises as `make_bundle`, and NoCard for what has no head."""
    _check(version, recipient)
    card = card_of(version, size, kind=kind, audience=audience)
    data = rendered(card, form)
    _record(version, card.document, data, what=form, audience=audience, recipient=recipient, actor=actor)
    return data


def open_fact(version: Version, size: int, key: str, *, audience: str, recipient: str, actor: Actor) -> bytes:
    """What opens the commitment to the fact `key` in the evidence of the bundle for `audience` at `size`; canonical JSON.

    Raises Refused for a fact that is not withheld there, or that no audience may read, and what `collect` raises.
    """
    _check(version, recipient)
    whole, secret = collect(version, size), secret_of(version)
    shown = shown_to(whole, audience, secret)
    fact, said = whole.get(key), shown.get(key)
    if fact is None or said is None or said.commitment is None:
        raise Refused(
            f"The {audience} evidence about {version.subject} at {size} entries commits to no withheld fact {key}."
        )
    if all(found.commitment for name in AUDIENCES if (found := shown_to(whole, name, secret).get(key))):
        raise Refused(f"{key} is kept inside the organisation; no audience may read it.")
    opening = {
        "schema": SCHEMA, "evidence": shown.digest, "key": key, "salt": salt_of(secret, key, size), "fact": fact.plain(),
        "commitment": said.commitment,
    }  # fmt: skip
    data = canonical(opening)
    _record(version, shown, data, what=OPENING, key=key, audience=audience, recipient=recipient, actor=actor)
    return data


def _check(version: Version, recipient: str) -> None:
    if version.restricted:
        raise Refused(f"{version.subject} is restricted, and what is restricted is handed to nobody.")
    if not recipient.strip():
        raise Refused("Say to whom it goes; the record keeps it.")
    if len(recipient) > MAX_RECIPIENT:
        raise Refused(f"Name whom it goes to in at most {MAX_RECIPIENT} characters.")


@transaction.atomic
def _record(
    version: Version, document: Document, data: bytes, *, what: str, key: str = "", audience: str, recipient: str,
    actor: Actor,
) -> Disclosure:  # fmt: skip
    row = Disclosure(
        version=version, what=what, key=key, audience=audience, evidence_size=document.at.size,
        evidence_digest=document.digest, sha256=sha256_hex(data), recipient=recipient.strip(), at=timezone.now(),
        by=str(actor.handle),
    )  # fmt: skip
    op = {ZIP: CardEvent.BUNDLE_MADE, OPENING: CardEvent.FACT_OPENED}.get(what, CardEvent.CARD_MADE)
    append(row, op=op, actor=actor)
    return row
