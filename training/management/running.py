"""Commands that start runs: what they all take, and one table of exit codes."""

import sys
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.core.management import CommandError

from governance.management.acting import ActingCommand
from training import states
from training.follow import follow as watch
from training.methods import BadParams
from training.models import Run
from training.resolve import SpecRefused
from training.spec import SpecError

EXIT_NO_SUCCESS, EXIT_BAD_INPUT = 1, 2


class RunCommand(ActingCommand):
    """An ActingCommand of engineers with `--follow` and `--json`; a subclass implements `act` and ends with `self.leave`.

    Exit codes: 0 queued, or with --follow succeeded; 1 followed, and it failed, was cancelled, or goes on without us;
    2 refused or wrong usage, and nothing was queued; 3 the disk or the database failed.
    """

    action = "training:run:launch"
    refusals = (SpecRefused, SpecError, BadParams)
    exit_refused = EXIT_BAD_INPUT
    follows: ClassVar[str] = "show progress until the run ends"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--follow", action="store_true", help=self.follows)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *arguments: Any, **options: Any) -> None:
        try:
            super().handle(*arguments, **options)
        except CommandError as error:
            raise CommandError(*error.args, returncode=EXIT_BAD_INPUT) from error

    def watched(self, run: Run, *, follow: bool) -> Run:
        """The run as it is now, or with `follow` once it has ended, or watching it has."""
        return watch(run, actor=self.actor) if follow else run

    def leave(self, run: Run, *, follow: bool) -> None:
        """End with the code for what became of the run."""
        if follow and run.state != states.SUCCEEDED:
            sys.exit(EXIT_NO_SUCCESS)
