"""`manage.py bundle SUBJECT --out F.zip`: the card with all that proves it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from governance.cards.audience import AUDIENCES
from governance.cards.bundle import bundle_of
from governance.ledger.settle import settle
from governance.management.reading import ReadingCommand
from governance.registry import lookup


class Command(ReadingCommand):
    help = (
        "Settle the ledger and write the signed bundle of a release, a model or a dataset: card, evidence, entries, proofs.\n"
        "Anybody checks it offline with: python -m governance.ledger.verify F.zip"
    )
    example = "manage.py bundle release:demo-assistant@1 --out demo.zip"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", help="kind:slug[@number]; without a number the newest sealed version")
        parser.add_argument("--out", type=Path, required=True, help="zip file to write")
        parser.add_argument(
            "--audience", choices=sorted(AUDIENCES), default="public", help="who is to read it"
        )

    def read(self, *, subject: str, out: Path, audience: str, **_: Any) -> None:
        version, checkpoint = lookup.find(subject), settle()
        data = bundle_of(version, checkpoint, audience=audience)
        out.write_bytes(data)
        self.stdout.write(
            f"{out}: {version.subject} as of {checkpoint.size} ledger entries, {len(data)} bytes"
        )
        self.stdout.write(f"check it with: python -m governance.ledger.verify {out}")
