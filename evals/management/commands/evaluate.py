"""`manage.py evaluate MODEL SUITE`: ask a model every item of a suite."""

from argparse import ArgumentParser
from typing import Any

from evals.management.tables import print_results
from evals.stage import EVALUATED, EVALUATED_ON, STAGE
from training import actions
from training.follow import outcome_of, sentence
from training.management.running import RunCommand
from training.methods import read
from training.spec import SpecDraft

PARAMS = ("limit", "batch_size", "samples", "temperature", "max_new_tokens")


class Command(RunCommand):
    help = (
        "Queue an evaluation of a model on a suite. With --follow its progress and its results are shown, as with "
        "`launch`. Exit code 1: the run did not succeed; 2: refused."
    )
    example = "manage.py evaluate model:demo-assistant eval-suite:household --follow --as ada"
    follows = "show progress until the run ends, then the results"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model", help="model:slug[@number]; without a number the newest sealed one")
        parser.add_argument("suite", help="eval-suite:slug[@number]")
        parser.add_argument("--limit", type=int, help="only the first so many items of each task: a trial")
        parser.add_argument("--batch-size", type=int, help="items asked at once")
        parser.add_argument("--samples", type=int, help="responses to each item (default: 1)")
        parser.add_argument(
            "--temperature", help="0 takes the likeliest token; above it responses are drawn (default: 0)"
        )
        parser.add_argument(
            "--max-new-tokens", type=int, help="longest response, in place of what the suite's tasks say"
        )
        parser.add_argument(
            "--letters", action="store_true", help="ask multiple choice for the letter of the choice"
        )
        parser.add_argument("--seed", type=int, default=0, help="seed of every random choice (default: 0)")

    def act(self, *, model: str, suite: str, follow: bool, json: bool, **options: Any) -> None:
        run = actions.queue(draft(model, suite, **options), actor=self.actor)
        run = self.watched(run, follow=follow)
        results = run.activity.summary.get("results", []) if run.activity else []
        self.say({**outcome_of(run), "results": results}, sentence(run), as_json=json)
        if results and not json:
            print_results(results, self.stdout)
        self.leave(run, follow=follow)


def draft(
    model: str,
    suite: str,
    *,
    seed: int = 0,
    letters: bool = False,
    **options: Any,
) -> SpecDraft:
    """The spec of an evaluation; `options` may hold those of PARAMS. Raises BadParams for names that cannot be subjects, or a
    seed out of range."""
    params = {name: options.get(name) for name in PARAMS} | {"letters": letters or None}
    order = {
        "stage": STAGE.name,
        "inputs": {EVALUATED: [model], EVALUATED_ON: [suite]},
        "params": {name: value for name, value in params.items() if value is not None},
        "seed": seed,
    }
    return read(SpecDraft, order)
