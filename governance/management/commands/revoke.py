"""`manage.py revoke SUBJECT --reason TEXT`: withdraw a sealed version."""

from argparse import ArgumentParser
from typing import Any

from governance.management.acting import ActingCommand
from governance.registry import actions, lookup


class Command(ActingCommand):
    help = "Withdraw a sealed version: no run and no release may use it from now on."
    example = 'manage.py revoke dataset:demo-safety-preferences@1 --reason "one-sided" --as ravi'
    action = "registry:version:revoke"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("subject", help="kind:slug@number")
        parser.add_argument("--reason", required=True)

    def act(self, *, subject: str, reason: str, **_: Any) -> None:
        version = actions.revoke(lookup.find(subject), reason=reason, actor=self.actor)
        self.stdout.write(f"{version.subject} is revoked.")
