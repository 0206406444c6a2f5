"""`manage.py curve MODEL SUITE`: what more samples and longer responses bought."""

import json as json_text
import sys
from argparse import ArgumentParser
from typing import Any

from evals.curves import Curve, curves
from evals.management.tables import print_curve
from evals.pictures_records import of_version
from evals.records import find_of_kind
from governance.management.reading import EXIT_REFUSED, ReadingCommand


class Command(ReadingCommand):
    help = (
        "Show the evaluations of a model on a suite that differ only in samples an item and in the longest response: score, "
        "pass@k and maj@k, and what each doubling adds, with 95%% intervals over items. Exit code 1: there is no such curve."
    )
    example = "manage.py curve model:demo-assistant eval-suite:household --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", help="model:slug[@number]; without a number the newest sealed one")
        parser.add_argument("suite", help="eval-suite:slug[@number]")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def read(self, *, model: str, suite: str, json: bool, **_: Any) -> None:
        asked, on = find_of_kind("model", model), find_of_kind("eval-suite", suite)
        found = curves(of_version(asked, on))
        if json:
            told = {
                "model": asked.subject,
                "suite": on.subject,
                "curves": [curve.record() for curve in found],
            }
            self.stdout.write(json_text.dumps(told, sort_keys=True))
        elif found:
            self._print(found)
        if not found:
            self.stderr.write(
                self.style.ERROR(
                    f"{asked.subject} has no two evaluations on {on.subject} that differ only in samples or in the longest "
                    f"response. Run `manage.py evaluate {asked.subject} {on.subject} --max-new-tokens N`, or with "
                    "`--samples K --temperature T`."
                )
            )
            sys.exit(EXIT_REFUSED)

    def _print(self, found: list[Curve]) -> None:
        for curve in found:
            self.stdout.write(f"{curve.task} ({curve.metric}): {curve.name}")
            print_curve(curve.record(), self.stdout)
