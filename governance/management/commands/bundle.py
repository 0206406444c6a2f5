"""`manage.py bundle SUBJECT --out F.zip`: the card with all that proves it; with --open, one fact that it withholds."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from governance.cards import disclosing
from governance.cards.audience import AUDIENCES, PUBLIC
from governance.cards.bundle import bundle_of
from governance.ledger.actors import Actor
from governance.ledger.settle import settle
from governance.management.handing import Handing
from governance.management.reading import ReadingCommand
from governance.registry import lookup


class Command(ReadingCommand):
    help = (
        "Settle the ledger and write the signed bundle of a release, a model or a dataset: card, evidence, entries, proofs.\n"
        "Anybody checks it offline with: python -m governance.ledger.verify F.zip\n"
        "Bundles for others than the public, and openings of withheld facts, name who hands them to whom; each is an entry."
    )
    example = (
        "manage.py bundle release:demo-assistant@1 --out demo.zip\n"
        'manage.py bundle release:demo-assistant@1 --out demo.zip --audience authority --to "AI Office" --as mara\n'
        "manage.py bundle --open release:demo-assistant@1 --fact rationale.written --at 120 --out fact.json"
        ' --to "AI Office" --as mara'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        Handing().add_arguments(parser)
        parser.add_argument("subject", help="kind:slug[@number]; without a number the newest sealed version")
        parser.add_argument("--out", type=Path, required=True, help="file to write")
        parser.add_argument(
            "--audience",
            choices=list(AUDIENCES),
            default=PUBLIC,
            help="who is to read it; of --open: whose bundle",
        )
        parser.add_argument("--to", default="", help="who gets it, in words; not for the public bundle")
        parser.add_argument("--open", action="store_true", help="write what opens one withheld fact")
        parser.add_argument("--fact", default="", metavar="KEY", help="with --open: the fact")
        parser.add_argument(
            "--at",
            type=int,
            metavar="SIZE",
            help="with --open: ledger entries of the bundle (default: settle, then all)",
        )

    def handle(self, *arguments: Any, **options: Any) -> None:
        if bool(options["fact"]) != options["open"] or (options["at"] is not None and not options["open"]):
            raise CommandError("--open and --fact KEY go together; --at is for them.", returncode=2)
        if options["audience"] == PUBLIC and not options["open"]:
            super().handle(*arguments, **options)
        else:
            handing = Handing()
            handing.stdout, handing.stderr = self.stdout, self.stderr
            handing.handle(hand=lambda actor: self._hand(actor, **options), **options)

    def read(self, *, subject: str, out: Path, **_: Any) -> None:
        version, checkpoint = lookup.find(subject), settle()
        self._written(
            out, bundle_of(version, checkpoint), f"{version.subject} as of {checkpoint.size} ledger entries"
        )

    def _hand(self, actor: Actor, **given: Any) -> None:
        version, out = lookup.find(given["subject"]), given["out"]
        whom = {"audience": given["audience"], "recipient": given["to"], "actor": actor}
        if given["open"]:
            size = settle().size if given["at"] is None else given["at"]
            out.write_bytes(disclosing.open_fact(version, size, given["fact"], **whom))
            self.stdout.write(
                f"{out}: opens {given['fact']} of {version.subject} as of {size} ledger entries"
            )
            self.stdout.write(
                f"check it with: python -m governance.ledger.verify THE-BUNDLE.zip --opening {out}"
            )
            return
        checkpoint = settle()
        data = disclosing.make_bundle(version, checkpoint, **whom)
        told = (
            f"{version.subject} as of {checkpoint.size} ledger entries, for the audience {given['audience']}"
        )
        self._written(out, data, told)

    def _written(self, out: Path, data: bytes, told: str) -> None:
        out.write_bytes(data)
        self.stdout.write(f"{out}: {told}, {len(data)} bytes")
        self.stdout.write(f"check it with: python -m governance.ledger.verify {out}")
