"""Commands that need nobody for what everybody may read, and somebody who may for the rest."""

from collections.abc import Callable
from typing import Any

from governance.cards import disclosing
from governance.cards.compose import NoCard
from governance.evidence.collect import NoSuchSize
from governance.evidence.records import Inconsistent, NotThen
from governance.ledger.actors import Actor
from governance.ledger.keys import KeyUnavailable
from governance.ledger.settle import NotSettled
from governance.ledger.signer import Refused as SignerRefused
from governance.management.acting import ActingCommand


class Handing(ActingCommand):
    """Runs `hand(actor)` for a person who may hand out what the public does not read."""

    action = disclosing.ACTION
    refusals = (NoCard, NoSuchSize, NotThen, Inconsistent, NotSettled, KeyUnavailable, SignerRefused)

    def act(self, *, hand: Callable[[Actor], None], **_: Any) -> None:
        hand(self.actor)
