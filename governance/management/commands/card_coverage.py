"""`manage.py card_coverage SUBJECT`: what each standard demands of a card, and who can fill what is missing."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from governance.cards.compose import card_of
from governance.cards.coverage import standards
from governance.cards.forms import data
from governance.ledger.settle import settle
from governance.management.reading import ReadingCommand
from governance.registry import lookup


class Command(ReadingCommand):
    help = (
        "List what each standard demands of the card of a model, a release or a dataset: how many fields have a value, and\n"
        "each gap with its state, who can fill it and where. It is no score. `card --format coverage` writes it as a file."
    )
    example = (
        "manage.py card_coverage release:demo-assistant@1\n"
        "manage.py card_coverage model:demo-assistant --standard MDF --json"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", help="kind:slug[@number]; without a number the newest sealed version")
        parser.add_argument(
            "--standard", choices=list(data("standards")["standards"]), help="one standard alone"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def read(self, *, subject: str, standard: str | None, json: bool, **_: Any) -> None:
        version = lookup.find(subject)
        found = standards(card_of(version, settle().size))
        chosen = [one for one in found if standard in (None, one.code)]
        if json:
            self.stdout.write(_json([asdict(one) for one in chosen]))
            return
        for one in chosen:
            self.stdout.write(f"{one.title} ({one.code}): {one.held} of {one.demanded} fields have a value")
            for gap in one.gaps:
                who = " or ".join(gap.groups) or "nobody"
                self.stdout.write(f"  {gap.title} ({gap.field}): {gap.said}\n    {who}: {gap.where}")


def _json(plain: Any) -> str:
    return json.dumps(plain, indent=2)
