"""`manage.py card SUBJECT`: one rendering of what is recorded about a model, a release or a dataset."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from governance.cards import as_json, markdown
from governance.cards.compose import KINDS, Card, card_of
from governance.ledger.settle import settle
from governance.management.reading import ReadingCommand
from governance.registry import lookup

FORMATS: dict[str, Callable[[Card], bytes]] = {
    "md": lambda card: markdown.render(card).encode(),
    "json": as_json.render,
}


class Command(ReadingCommand):
    help = (
        "Write the card of a model (model card), a release (system card) or a dataset (datasheet) as of a size of the ledger.\n"
        "The same subject at the same size gives the same bytes."
    )
    example = (
        "manage.py card model:demo-assistant --out README.md\n"
        "manage.py card release:demo-assistant@1 --format json --at 120"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", help="kind:slug[@number]; without a number the newest sealed version")
        parser.add_argument(
            "--kind", choices=sorted(KINDS), help="kind of card (default: the one of the subject's kind)"
        )
        parser.add_argument(
            "--format", choices=sorted(FORMATS), default="md", help="md: Markdown with Hugging Face metadata"
        )
        parser.add_argument(
            "--at",
            type=int,
            metavar="SIZE",
            help="as of this many ledger entries (default: settle, then all)",
        )
        parser.add_argument("--out", type=Path, help="file to write (default: standard output)")

    def read(
        self, *, subject: str, kind: str | None, format: str, at: int | None, out: Path | None, **_: Any
    ) -> None:
        version = lookup.find(subject)
        size = settle().size if at is None else at
        data = FORMATS[format](card_of(version, size, kind=kind))
        if out is None:
            self.stdout.write(data.decode(), ending="")
        else:
            out.write_bytes(data)
            self.stdout.write(f"{out}: {version.subject} as of {size} ledger entries")
