"""`manage.py decisions`: the decisions register as CSV or JSON, oldest first, each row with its entry."""

import csv
import json as jsons
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

from governance.management.reading import ReadingCommand
from governance.reviews import decisions, decisions_found
from governance.reviews.decisions import COLUMNS, Row

CHUNK = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters with which a spreadsheet would begin to calculate."""


class Command(ReadingCommand):
    help = (
        "Write the decisions register: who decided what, when, why, whom they heard before, who was against, and the entry.\n"
        "CSV with a header by default; the same ledger gives the same bytes."
    )
    example = "manage.py decisions > decisions.csv\nmanage.py decisions --since 2026-01-01 --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=_day, metavar="DATE", help="first day, as 2026-01-31 (UTC)")
        parser.add_argument("--json", action="store_true", help="one line of JSON for each decision")

    def read(self, *, since: date | None, json: bool, **_: Any) -> None:
        writer = csv.writer(self.stdout, lineterminator="\n")
        if not json:
            writer.writerow(COLUMNS)
        for row in _rows(since):
            if json:
                self.stdout.write(jsons.dumps(row.plain(), sort_keys=True, ensure_ascii=False))
            else:
                writer.writerow([_cell(value) for value in row.plain().values()])


def _rows(since: date | None) -> Iterator[Row]:
    entries = decisions_found.found(since=since).order_by("id").iterator(chunk_size=CHUNK)
    while chunk := list(islice(entries, CHUNK)):
        yield from decisions.rows(chunk)


def _cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    text = "; ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("a date is written 2026-01-31") from error
