"""`manage.py compare A B`: two models on the same suite, item by item."""

import json as json_text
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from evals import records
from evals.compare import NotLikeForLike
from evals.comparison import compare_evaluations
from evals.management.tables import print_comparison
from governance.management.reading import EXIT_REFUSED, ReadingCommand
from governance.registry.actions import Refused
from governance.registry.models import Activity


class Command(ReadingCommand):
    help = (
        "Compare the newest evaluations of two models on the same suite, paired by item: A is the candidate, B what it is "
        "held against. Exit code 0: compared, whatever came out; 1: cannot be compared, with the field that differs."
    )
    example = "manage.py compare model:demo-assistant model:tiny-base --suite eval-suite:household"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("a", help="the candidate: model:slug[@number]")
        parser.add_argument("b", help="what it is held against: model:slug[@number]")
        parser.add_argument(
            "--suite", help="eval-suite:slug[@number]; default: the one that A was last evaluated on"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def read(self, *, a: str, b: str, suite: str | None, json: bool, **_: Any) -> None:
        try:
            find = records.find_of_kind
            pair = records.newest_pair(
                find("model", a), find("model", b), find("eval-suite", suite) if suite else None
            )
            record = compare_evaluations(*pair).record()
        except (Refused, NotLikeForLike) as error:
            self._refuse(error, as_json=json)
        if json:
            self.stdout.write(json_text.dumps({**_about(*pair), **record}, sort_keys=True))
            return
        self.stdout.write(
            f"a {records.model_of(pair[0])} against b {records.model_of(pair[1])} on {records.suite_of(pair[0])}"
        )
        print_comparison(record, self.stdout)

    def _refuse(self, error: Refused | NotLikeForLike, *, as_json: bool) -> NoReturn:
        field = error.field if isinstance(error, NotLikeForLike) else None
        if as_json:
            self.stdout.write(json_text.dumps({"error": str(error), "field": field}))
        self.stderr.write(self.style.ERROR(str(error)))
        sys.exit(EXIT_REFUSED)


def _about(a: Activity, b: Activity) -> dict[str, Any]:
    sides = {
        name: {"model": records.model_of(one), "evaluation": str(one.pk)}
        for name, one in (("a", a), ("b", b))
    }
    return {**sides, "suite": records.suite_of(a)}
