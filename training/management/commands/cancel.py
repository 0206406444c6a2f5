"""`manage.py cancel RUN`: ask a run to stop."""

from argparse import ArgumentParser
from typing import Any

from governance.management.acting import ActingCommand
from governance.registry.actions import Refused
from training import actions
from training.follow import outcome_of
from training.models import Run

SHORTEST = 6


class Command(ActingCommand):
    help = "Ask a run to stop. Its job finishes the step it is at and saves a snapshot; one not begun is cancelled at once."
    example = "manage.py cancel 3f2a9c --as ada"
    action = "training:run:cancel"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("run", help=f"the run's id, or its first {SHORTEST} characters or more")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(self, *, run: str, json: bool, **_: Any) -> None:
        found = actions.cancel(find_run(run), actor=self.actor)
        self.say(outcome_of(found), f"{found.label}: {found.state} (run {found.pk}).", as_json=json)


def find_run(text: str) -> Run:
    """The run whose id begins with `text`. Raises Refused when none or several do."""
    plain = text.lower()
    if len(plain) < SHORTEST:
        raise Refused(f"{text!r} is too short for a run; give at least {SHORTEST} characters of its id.")
    found = list(Run.objects.filter(id__startswith=plain)[:2])
    if not found:
        raise Refused(
            f"There is no run {text!r}; its id stands on the run's page and in what launch printed."
        )
    if len(found) > 1:
        raise Refused(f"More than one run begins with {text!r}; give more of its id.")
    return found[0]
