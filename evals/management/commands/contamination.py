"""`manage.py contamination DATASET… --against SUITE…`: which rows hold items of an evaluation."""

from argparse import ArgumentParser
from typing import Any

from evals import contamination
from evals.harness.contamination_params import RULES
from training import actions
from training.follow import outcome_of, sentence
from training.management.running import RunCommand
from training.methods import read
from training.spec import SpecDraft


class Command(RunCommand):
    help = (
        "Queue a search of datasets for the items of evaluation suites. With --remove the next version of each dataset is made "
        "without the rows that hold one. With --follow its progress and its figures are shown, as with `launch`. Exit code 1: "
        "the run did not succeed; 2: refused; found items are no failure."
    )
    example = "manage.py contamination dataset:chats --against eval-suite:household --follow --as ada"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "datasets", nargs="+", help="dataset:slug[@number]; without a number the newest one"
        )
        parser.add_argument("--against", nargs="+", required=True, help="eval-suite:slug[@number]")
        parser.add_argument("--rule", choices=sorted(RULES), help="what counts as shared (default: tulu3)")
        parser.add_argument("--n", type=int, help="words, or characters, of a shared run")
        parser.add_argument(
            "--share", help="an item is contaminated if more than this share of it is shared with one row"
        )
        parser.add_argument("--threshold", help="share of contaminated items from which a suite is flagged")
        parser.add_argument(
            "--remove", action="store_true", help="make the next version of each dataset without these rows"
        )

    def act(
        self,
        *,
        datasets: list[str],
        against: list[str],
        rule: str | None,
        n: int | None,
        share: str | None,
        threshold: str | None,
        remove: bool,
        follow: bool,
        json: bool,
        **_: Any,
    ) -> None:
        action = "remove" if remove else None
        params: dict[str, Any] = {
            "rule": rule,
            "n": n,
            "share": share,
            "set_threshold": threshold,
            "action": action,
        }
        draft = read(SpecDraft, contamination.order(datasets, against, **params))
        run = actions.queue(draft, actor=self.actor)
        run = self.watched(run, follow=follow)
        found = run.activity.summary.get("searches", []) if run.activity else []
        self.say({**outcome_of(run), "searches": found}, sentence(run), as_json=json)
        for one in [] if json else found:
            self.stdout.write(_line(one))
        self.leave(run, follow=follow)


def _line(one: dict[str, Any]) -> str:
    pair = f"{one['dataset']} against {one['suite']}"
    if one.get("withheld"):
        return f"{pair}: searched; one of them is restricted, and the figures stand on the search's page."
    flag = "; FLAGGED" if one["flagged"] else ""
    return f"{pair}: {one['contaminated']} of {one['items']} items contaminated (share {one['share']}){flag}"
