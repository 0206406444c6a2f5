"""`manage.py card SUBJECT`: one rendering of what is recorded about a model, a release or a dataset."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from governance.cards import disclosing
from governance.cards.audience import AUDIENCES, PUBLIC
from governance.cards.compose import KINDS, card_of
from governance.cards.formats import FORMATS, rendered
from governance.ledger.actors import Actor
from governance.ledger.settle import settle
from governance.management.handing import Handing
from governance.management.reading import ReadingCommand
from governance.registry import lookup


class Command(ReadingCommand):
    help = (
        "Write the card of a model (model card), a release (system card) or a dataset (datasheet) as of a size of the ledger.\n"
        "The same subject at the same size gives the same bytes."
    )
    example = (
        "manage.py card model:demo-assistant --out README.md\n"
        "manage.py card release:demo-assistant@1 --format json --at 120\n"
        "manage.py card release:demo-assistant@1 --format cyclonedx --out demo.cdx.json\n"
        "manage.py card release:demo-assistant@1 --format pdf --out demo.pdf"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", help="kind:slug[@number]; without a number the newest sealed version")
        parser.add_argument(
            "--kind", choices=sorted(KINDS), help="kind of card (default: the one of the subject's kind)"
        )
        parser.add_argument(
            "--format",
            choices=list(FORMATS),
            default="md",
            help="; ".join(f"{name}: {one.title}" for name, one in FORMATS.items()),
        )
        parser.add_argument(
            "--at",
            type=int,
            metavar="SIZE",
            help="as of this many ledger entries (default: settle, then all)",
        )
        parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
        parser.add_argument(
            "--audience",
            choices=list(AUDIENCES),
            default=PUBLIC,
            help="who is to read it; md, json, html, pdf",
        )
        parser.add_argument("--to", default="", help="who gets it, in words; not for the public card")
        Handing().add_arguments(parser)

    def handle(self, *arguments: Any, **options: Any) -> None:
        if options["audience"] == PUBLIC:
            super().handle(*arguments, **options)
        else:
            handing = Handing()
            handing.stdout, handing.stderr = self.stdout, self.stderr
            handing.handle(hand=lambda actor: self.read(actor=actor, **options), **options)

    def read(
        self, *, subject: str, kind: str | None, format: str, at: int | None, out: Path | None, audience: str, to: str,
        actor: Actor | None = None, **_: Any,
    ) -> None:  # fmt: skip
        if out is None and not FORMATS[format].is_text:
            raise CommandError(f"The format {format} is no text; write --out FILE.", returncode=2)
        version = lookup.find(subject)
        size = settle().size if at is None else at
        if actor is None:
            data = rendered(card_of(version, size, kind=kind), format)
        else:
            data = disclosing.make_card(
                version, size, format, kind=kind, audience=audience, recipient=to, actor=actor
            )
        if out is None:
            self.stdout.write(data.decode(), ending="")
        else:
            out.write_bytes(data)
            self.stdout.write(f"{out}: {version.subject} as of {size} ledger entries")
