"""`manage.py reindex`: make the derived tables anew."""

import json as json_text
from argparse import ArgumentParser
from typing import Any

from governance.management.reading import ReadingCommand
from governance.registry import index


class Command(ReadingCommand):
    help = (
        "Make the search index, and the index of uses, productions, references and citations, anew from what is recorded.\n"
        "They are derived and never ledgered; nothing that was recorded changes."
    )
    example = "manage.py reindex"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def read(self, *, json: bool, **_: Any) -> None:
        counts = index.rebuild()
        said = ", ".join(f"{count} {name}s" for name, count in counts.items())
        self.stdout.write(json_text.dumps(counts, sort_keys=True) if json else f"Indexed {said}.")
