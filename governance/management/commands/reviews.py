"""`manage.py reviews`: what waits for a review, since when, and whose seat is open."""

import json
from argparse import ArgumentParser
from typing import Any

from governance.management.reading import ReadingCommand
from governance.registry.models import Version
from governance.reviews import queues, seats

MOST = 1000


class Command(ReadingCommand):
    help = f"List what waits for a review, the longest first, and who may fill its open seats; at most {MOST} versions."
    example = "manage.py reviews --stale\nmanage.py reviews --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stale",
            action="store_true",
            help="only what has waited for longer than CHARTER_REVIEW_STALE_DAYS",
        )
        parser.add_argument("--json", action="store_true", help="one line for scripts")

    def read(self, *, stale: bool, json: bool, **_: Any) -> None:
        found = list((queues.stale() if stale else queues.in_review())[:MOST])
        standings = seats.standings(found)
        rows = [_row(version, standings[version.pk]) for version in found]
        if json:
            self.stdout.write(_line(rows))
            return
        for row in rows:
            self.stdout.write(
                f"{row['subject']}  impact {row['impact']}, since {row['since']}: {row['missing']}"
            )
        if not rows:
            self.stdout.write("Nothing waits for a review." if not stale else "Nothing has waited for long.")


def _row(version: Version, standing: seats.Standing) -> dict[str, Any]:
    return {
        "subject": version.subject,
        "digest": version.digest,
        "authors": version.authors,
        "since": f"{version.ledger_head.at:%Y-%m-%dT%H:%M:%SZ}",
        "impact": standing.impact,
        "seats": standing.seats,
        "missing": standing.wanted() or "every seat is filled; one more approval decides.",
    }


def _line(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, sort_keys=True)
