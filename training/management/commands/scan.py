"""`manage.py scan DATASET…`: count what can be said about the rows of datasets."""

import sys
from argparse import ArgumentParser
from typing import Any

from governance.management.acting import EXIT_REFUSED, ActingCommand
from training import actions, scans, states
from training.follow import follow as watch
from training.follow import outcome_of, sentence
from training.methods import BadParams, read
from training.resolve import SpecRefused
from training.spec import SpecDraft


class Command(ActingCommand):
    help = (
        "Queue a scan of datasets: lengths, duplicates, languages, forms of personal data, and what is needed to browse the "
        "rows of compressed files. With --follow its progress is shown, as with `launch`. Exit code 1: refused, or the run "
        "did not succeed."
    )
    example = "manage.py scan dataset:chats --follow --as ada"
    action = "training:run:launch"
    refusals = (SpecRefused, BadParams)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "datasets", nargs="+", help="dataset:slug[@number]; without a number the newest one"
        )
        parser.add_argument("--follow", action="store_true", help="show progress until the run ends")
        parser.add_argument("--seed", type=int, default=0, help="seed of every sample (default: 0)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(self, *, datasets: list[str], seed: int, follow: bool, json: bool, **_: Any) -> None:
        run = actions.queue(read(SpecDraft, scans.order(*datasets, seed=seed)), actor=self.actor)
        run = watch(run, actor=self.actor) if follow else run
        found = run.activity.summary.get("scans", []) if run.activity else []
        self.say({**outcome_of(run), "scans": found}, sentence(run), as_json=json)
        if follow and run.state != states.SUCCEEDED:
            sys.exit(EXIT_REFUSED)
