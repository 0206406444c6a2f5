"""`manage.py suite_use SUITE`: say that a suite was looked at for a decision."""

from argparse import ArgumentParser
from typing import Any

from evals import uses
from evals.records import named
from governance.management.acting import ActingCommand


class Command(ActingCommand):
    help = (
        "Record that results on a suite were looked at for a decision. From the first data, recipe or snapshot decision on, "
        "the suite counts as dev, and cards say so. What gates read, and trainings after a refusal, is recorded by itself."
    )
    example = (
        "manage.py suite_use eval-suite:household --purpose recipe --for model:demo-assistant@2 \\\n"
        '  --reason "Chose the learning rate by its sums." --as ada'
    )
    action = uses.ACTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("suite", help="eval-suite:slug[@number]")
        parser.add_argument("--purpose", required=True, choices=uses.BY_HAND, help="what was decided")
        parser.add_argument(
            "--for",
            dest="served",
            required=True,
            metavar="WHAT",
            help="the version, run or gate that it served",
        )
        parser.add_argument("--reason", required=True, help="what was looked at, and what was decided")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(self, *, suite: str, purpose: str, served: str, reason: str, json: bool, **_: Any) -> None:
        found = named(self.person, uses.SUITE, suite)
        use = uses.record(found, purpose=purpose, served=served, reason=reason, actor=self.actor)
        status = uses.status_of(found)
        outcome = {
            "id": str(use.pk), "suite": found.subject, "purpose": purpose, "served": use.served,
            "status": status.now, "sealed_as": status.sealed_as, "choosing_uses": status.choosing,
        }  # fmt: skip
        self.say(outcome, f"Recorded. {found.subject} {sentence(status)}", as_json=json)


def sentence(status: uses.Status) -> str:
    """What the suite counts as now, after its subject."""
    if status.choosing == 0:
        return f"counts as {status.now}: nothing was chosen by it so far."
    noun = "decision" if status.choosing == 1 else "decisions"
    was = f"; it was sealed as {status.sealed_as}" if status.fell and status.sealed_as else ""
    return f"counts as {status.now}: {status.choosing} {noun} chose by it{was}."
