"""`manage.py publish SUBJECT`: the public card of what people approved, frozen as it is recorded now."""

from argparse import ArgumentParser
from typing import Any

from governance.cards import publication
from governance.cards.compose import KINDS, NoCard
from governance.evidence.records import Inconsistent, NotThen
from governance.ledger.keys import KeyUnavailable
from governance.ledger.settle import NotSettled
from governance.ledger.signer import Refused as SignerRefused
from governance.management.acting import ActingCommand
from governance.registry import lookup


class Command(ActingCommand):
    help = (
        "Settle the ledger, write the public card of an approved version with its signed bundle, and freeze both.\n"
        "Only what people approved is published; anybody reads it at /public/ where CHARTER_PUBLIC_CARDS is on."
    )
    example = "manage.py publish release:demo-assistant@1 --as mara"
    action = publication.ACTION
    refusals = (NoCard, NotThen, Inconsistent, NotSettled, KeyUnavailable, SignerRefused)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("subject", help="kind:slug[@number]; without a number the newest sealed version")
        parser.add_argument(
            "--kind", choices=sorted(KINDS), help="kind of card (default: the one of the subject's kind)"
        )
        parser.add_argument("--json", action="store_true", help="one line of JSON for scripts")

    def act(self, *, subject: str, kind: str | None, json: bool, **_: Any) -> None:
        made = publication.publish(lookup.find(subject), kind=kind, actor=self.actor)
        told = {
            "subject": made.version.subject,
            "kind": made.kind,
            "evidence_size": made.evidence_size,
            "files": made.files,
        }
        text = f"The {made} entries is published; its bundle has the SHA-256 {made.files['zip']}."
        self.say(told, text, as_json=json)
