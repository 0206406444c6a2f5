"""Commands that change nothing that is recorded: how a refusal reads and exits."""

import sys
from abc import ABC, abstractmethod
from argparse import RawDescriptionHelpFormatter
from typing import Any, ClassVar

from django.core.management import BaseCommand
from django.db import DatabaseError

from governance.cards.compose import NoCard
from governance.evidence.collect import NoSuchSize
from governance.evidence.records import Inconsistent, NotThen
from governance.ledger.keys import KeyUnavailable
from governance.ledger.settle import NotSettled
from governance.ledger.signer import Refused
from governance.registry.kinds import UnknownKind
from governance.registry.lookup import Ambiguous, NotFound

EXIT_REFUSED, EXIT_ERROR = 1, 3
REFUSALS = (NoCard, NoSuchSize, NotThen, UnknownKind, NotFound, Ambiguous)
"""What a person can put right by asking otherwise; exit code 1."""
FAULTS = (Inconsistent, KeyUnavailable, NotSettled, Refused, OSError, DatabaseError)
"""What is wrong with the installation; exit code 3."""


class ReadingCommand(BaseCommand, ABC):
    """A subclass sets `help` and `example` and implements `read(**options)`.

    Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the installation is at fault; refusals and faults are one sentence.
    """

    example: ClassVar[str]
    exit_refused: ClassVar[int] = EXIT_REFUSED

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        epilog = f"Example:\n  {self.example}".replace("\n", "\n  ").rstrip()
        return super().create_parser(
            prog_name, subcommand, epilog=epilog, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            self.read(**options)
        except (*REFUSALS, *FAULTS) as error:
            self.stderr.write(self.style.ERROR(str(error)))
            sys.exit(self.exit_refused if isinstance(error, REFUSALS) else EXIT_ERROR)

    @abstractmethod
    def read(self, *_: Any, **options: Any) -> None:
        """What the command does; its options come by name."""
