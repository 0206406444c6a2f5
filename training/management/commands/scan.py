"""`manage.py scan DATASET…`: count what can be said about the rows of datasets."""

from argparse import ArgumentParser
from typing import Any

from training import actions, scans
from training.follow import outcome_of, sentence
from training.management.running import RunCommand
from training.methods import read
from training.spec import SpecDraft


class Command(RunCommand):
    help = (
        "Queue a scan of datasets: lengths, duplicates, languages, forms of personal data, and what is needed to browse the "
        "rows of compressed files. With --follow its progress is shown, as with `launch`. Exit code 1: the run did not "
        "succeed; 2: refused."
    )
    example = "manage.py scan dataset:chats --follow --as ada"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "datasets", nargs="+", help="dataset:slug[@number]; without a number the newest one"
        )
        parser.add_argument("--seed", type=int, default=0, help="seed of every sample (default: 0)")

    def act(self, *, datasets: list[str], seed: int, follow: bool, json: bool, **_: Any) -> None:
        run = actions.queue(read(SpecDraft, scans.order(*datasets, seed=seed)), actor=self.actor)
        run = self.watched(run, follow=follow)
        found = run.activity.summary.get("scans", []) if run.activity else []
        self.say({**outcome_of(run), "scans": found}, sentence(run), as_json=json)
        self.leave(run, follow=follow)
