"""`manage.py import_eval FILE...`: an evaluation from the files of another harness."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from evals.importing.actions import MODEL, SUITE, import_evaluation, require_new_suite
from evals.importing.formats import FORMATS
from evals.importing.suites import NewSuite, margin_of
from evals.management.tables import print_results
from evals.records import named
from governance.management.acting import ActingCommand
from governance.registry.blobs import MissingBlob
from governance.registry.models import Version


class Command(ActingCommand):
    help = (
        "Import results that lm-eval or Inspect measured elsewhere, or a CSV table of scores, as an evaluation. Evidence "
        "says *imported* of it. The same content again changes nothing."
    )
    example = (
        "manage.py import_eval results_2026-05-04T10-00-00.json samples_sums_2026-05-04T10-00-00.jsonl \\\n"
        "  --model model:base --suite eval-suite:sums --as ada\n"
        "manage.py import_eval scores.csv --model model:base --new-suite sums --margin 0.02 --as ada"
    )
    action = "registry:activity:record"
    refusals = (MissingBlob,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "files", nargs="+", type=Path, metavar="FILE", help="all files of one measurement"
        )
        parser.add_argument("--model", required=True, help="what was measured: model:slug[@number]")
        suite = parser.add_mutually_exclusive_group(required=True)
        suite.add_argument("--suite", help="what it was measured with: eval-suite:slug[@number]")
        suite.add_argument("--new-suite", metavar="NAME", help="register a suite of that name from the file")
        parser.add_argument(
            "--margin", help="non-inferiority margin of a new suite, as a share, such as 0.02"
        )
        parser.add_argument("--metric", help="metric of a new suite, where the file has several")
        parser.add_argument(
            "--format", choices=sorted(FORMATS), help="default: by the files' names and fields"
        )
        parser.add_argument("--filter", help="which filter or scorer counts, where a task has several")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(
        self,
        *,
        files: list[Path],
        model: str,
        suite: str | None,
        new_suite: str | None,
        margin: str | None,
        metric: str | None,
        format: str | None,
        filter: str | None,
        json: bool,
        **_: Any,
    ) -> None:
        found = import_evaluation(
            files,
            named(self.person, MODEL, model),
            named(self.person, SUITE, suite) if suite else self._new(str(new_suite), margin, metric),
            format=format,
            filter=filter,
            actor=self.actor,
        )
        activity = found.activity
        said = "was imported before; nothing was changed." if found.again else "is imported."
        results = activity.summary["results"]
        outcome = {
            "evaluation": str(activity.pk),
            "again": found.again,
            "used": activity.used,
            "results": results,
        }
        self.say(outcome, f"{activity.label} {said} Its id is {activity.pk}.", as_json=json)
        if not json:
            print_results(results, self.stdout)

    def _new(self, slug: str, margin: str | None, metric: str | None) -> Version | NewSuite:
        require_new_suite(self.person)
        return NewSuite(slug, margin_of(margin), metric)
