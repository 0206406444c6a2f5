"""Salted commitments to withheld facts: they show nothing, and Charter cannot show another value later."""

import hmac
import secrets
from hashlib import sha256

from governance.cards.models import Secret
from governance.evidence.facts import Fact
from governance.ledger import opening
from governance.ledger.canonical import canonical
from governance.registry.models import Version


def secret_of(version: Version) -> bytes:
    """The secret salt of a version, made when it is first asked for. 32 bytes; no ledger entry and no bundle holds it."""
    row, _ = Secret.objects.get_or_create(version=version, defaults={"salt": secrets.token_hex(32)})
    return bytes.fromhex(row.salt)


def salt_of(secret: bytes, key: str, size: int) -> str:
    """Salt of one fact at one size of the ledger: HMAC-SHA256(secret, canonical {key, size}), in hex.

    Without the size, who is shown a fact once could guess it in every later bundle.
    """
    return hmac.new(secret, canonical({"key": key, "size": size}), sha256).hexdigest()


def commitment_to(fact: Fact, secret: bytes, size: int) -> str:
    """What a document says in the place of a fact that it withholds. 64 hex digits."""
    return opening.commitment(fact.key, salt_of(secret, fact.key, size), fact.plain())
