"""`manage.py regression MODEL`: did this version get worse, at what, and how sure is that?"""

import json as json_text
import sys
from argparse import ArgumentParser
from typing import Any

from evals import regression
from evals.management.tables import print_regression
from evals.regression_words import headline, sentences
from evals.statistics.chains import Held, together
from governance.management.reading import EXIT_ERROR, ReadingCommand
from governance.registry import lookup

EXITS = {Held.HELD: 0, Held.WORSE: 1, Held.UNDECIDED: 2}


class Command(ReadingCommand):
    help = (
        "Say what was recorded when a version's evaluations ended: whether it got worse than its line's anchor and its "
        "predecessor, on each suite. Exit code 0: it did not; 1: it did; 2: that is undecided, or there is nothing to "
        "say it by; 3: any error."
    )
    example = "manage.py regression model:demo-assistant --json"
    exit_refused = EXIT_ERROR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", help="model:slug[@number]; without a number the newest sealed one")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def read(self, *, model: str, json: bool, **_: Any) -> None:
        version = lookup.find(model if ":" in model else f"model:{model}")
        if version.kind != "model":
            raise lookup.NotFound(f"{version.subject} is a {version.kind}, and only models have a line.")
        answers = regression.newest(version)
        held = together(Held(answer["held"]) for answer in answers)
        if json:
            told = {
                "model": version.subject,
                "held": str(held),
                "answer": headline(answers),
                "suites": answers,
            }
            self.stdout.write(json_text.dumps(told, sort_keys=True))
        else:
            self._print(version.subject, answers)
        sys.exit(EXITS[held])

    def _print(self, subject: str, answers: list[dict[str, Any]]) -> None:
        self.stdout.write(f"{subject}: {headline(answers)}")
        for answer in answers:
            self.stdout.write(f"\nOn {answer['suite']}:")
            for text in sentences(answer):
                self.stdout.write(f"- {text}")
            print_regression(answer, self.stdout)
