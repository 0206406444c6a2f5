"""`manage.py gate RELEASE`: may this release go out? The answer is the exit code."""

import json
import sys
import traceback
from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management import CommandError
from rich.console import Console

from governance.ledger.settle import NotSettled
from governance.ledger.signer import Refused as SignerRefused
from governance.management import trial
from governance.management.acting import EXIT_ERROR, ActingCommand
from governance.people.permissions import require
from governance.registry import lookup, states
from governance.registry.models import Version
from governance.releases import actions, gate_texts
from governance.releases.cel import PASSED, REFUSED, UNDECIDED

EXIT = {PASSED: 0, REFUSED: 1, UNDECIDED: 2}


class Decided(SystemExit):
    """The gate's answer, as an exit code; what else ends the command is an error."""


class Command(ActingCommand):
    help = (
        "Run a release's gate: settle the ledger, judge the evidence by the release's policy, record the report.\n"
        "Exit code 0: passed; 1: refused; 2: could not be decided; 3: any error.\n"
        "With --try: what a release policy would say of every release in force; nothing is recorded, and the worst verdict is\n"
        "the exit code."
    )
    example = (
        "manage.py gate release:demo-assistant@1 --as mara\n"
        "manage.py gate release:demo-assistant --format junit --as ci > gate.xml\n"
        "manage.py gate --try tighter.yaml --as polly"
    )
    action = ""
    refusals = (NotSettled, SignerRefused)
    exit_refused = EXIT_ERROR

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("release", nargs="?", help="release:slug[@number]; without a number the newest")
        parser.add_argument(
            "--try",
            dest="policy",
            metavar="POLICY",
            help="a file, or release-policy:slug[@number], drafts too: judge every release in force by it",
        )
        parser.add_argument(
            "--format", choices=("text", "json", "junit"), default="text", help="how the reasons are printed"
        )
        parser.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json"
        )

    def act(self, *, release: str | None, policy: str | None, format: str, **_: Any) -> None:
        if (release is None) == (policy is None):
            raise CommandError("Name a release whose gate shall run, or a policy with --try.")
        if release is not None:
            self._gate(release, format)
        elif format == "junit":
            raise CommandError("--try prints text or JSON; JUnit is the form of one gate.")
        else:
            found = trial.run(
                self.person,
                str(policy),
                as_json=format == "json",
                out=cast("IO[str]", self.stdout),
                err=cast("IO[str]", self.stderr),
            )
            raise Decided(EXIT[found])

    def _gate(self, release: str, format: str) -> None:
        require(self.person, "releases:gate:run")
        subject = release if ":" in release else f"release:{release}"
        row = actions.run_gate(lookup.find(subject), actor=self.actor)
        report = row.report
        if format == "json":
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        elif format == "junit":
            self.stdout.write(gate_texts.junit(report))
        else:
            gate_texts.print_text(report, Console(file=cast("IO[str]", self.stdout), highlight=False))
        self._warn_of(lookup.find(row.policy))
        raise Decided(EXIT[report["verdict"]])

    def _warn_of(self, policy: Version) -> None:
        """A verdict by rules that nobody approved binds nobody: say so, wherever the answer itself goes."""
        if policy.state not in (states.APPROVED, states.SUPERSEDED):
            self.stderr.write(
                f"{policy.subject} is {policy.state.replace('_', ' ')}, not approved: until somebody approves it, this"
                " verdict lets no release out."
            )

    def run_from_argv(self, argv: list[str]) -> None:
        """As Django's, except that only the gate's answer ends with 1 or 2: wrong usage and crashes end with 3."""
        try:
            super().run_from_argv(argv)
        except Decided:
            raise
        except SystemExit as stop:
            sys.exit(EXIT_ERROR if stop.code else 0)
        except Exception:  # noqa: BLE001  (uncaught, it would end with 1, which means refused)
            traceback.print_exc()
            sys.exit(EXIT_ERROR)
