"""`manage.py anchor MODEL@N`: the release that every later version of the model is held against."""

from argparse import ArgumentParser
from typing import Any

from evals import lines
from evals.records import named
from governance.management.acting import ActingCommand


class Command(ActingCommand):
    help = (
        "Make a version the anchor of its model. From then on every evaluation of a later version is compared with it as "
        "well as with its predecessor. Another choice replaces it, and both stay in the ledger."
    )
    example = (
        'manage.py anchor model:demo-assistant@1 --reason "The first release that people used." --as mara'
    )
    action = lines.ACTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model", help="model:slug@number")
        parser.add_argument("--reason", required=True, help="why later versions are held against this one")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(self, *, model: str, reason: str, json: bool, **_: Any) -> None:
        anchor = lines.set_anchor(named(self.person, lines.KIND, model), reason=reason, actor=self.actor)
        outcome = {
            "line": anchor.artifact.name,
            "anchor": anchor.version.subject,
            "revision": anchor.ledger_rev,
        }
        text = f"{anchor.version.subject} is the anchor of {anchor.artifact.name}."
        self.say(outcome, f"{text} Later versions are held against it when they are evaluated.", as_json=json)
