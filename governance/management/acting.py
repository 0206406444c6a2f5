"""Commands that act for somebody: who, may they, and how a refusal reads and exits."""

import getpass
import json
import os
import sys
from abc import ABC, abstractmethod
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError

from governance.ledger.actors import Actor
from governance.ledger.append import Stale
from governance.ledger.canonical import CanonicalError
from governance.people.models import User
from governance.people.permissions import require
from governance.registry.actions import Refused
from governance.registry.importers import BadFile
from governance.registry.kinds import UnknownKind
from governance.registry.kinds.base import ContentError
from governance.registry.lookup import Ambiguous, NotFound

EXIT_REFUSED, EXIT_ERROR = 1, 3
REFUSALS: tuple[type[Exception], ...] = (
    Refused, Stale, BadFile, ContentError, CanonicalError, UnknownKind, NotFound, Ambiguous, PermissionDenied, ValidationError,
)  # fmt: skip
"""What a person can put right; shown as one sentence, exit code 1."""


class ActingCommand(BaseCommand, ABC):
    """Adds `--as NAME`, checks that the person may do `action`, and gives `self.actor` and `self.person`.

    A subclass sets `help`, `example` and `action` (empty for what is everybody's own) and implements `act(**options)`.
    Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the disk or the database failed.
    """

    example: ClassVar[str] = ""
    action: ClassVar[str]
    refusals: ClassVar[tuple[type[Exception], ...]] = ()
    exit_refused: ClassVar[int] = EXIT_REFUSED
    actor: Actor
    person: User

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=f"Example:\n  {self.example}".replace("\n", "\n  ").rstrip(),
            formatter_class=RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--as",
            dest="as_name",
            metavar="NAME",
            default=os.environ.get("CHARTER_AS"),
            help="whose command this is (CHARTER_AS)",
        )

    def handle(self, *_: Any, as_name: str | None, **options: Any) -> None:
        try:
            self.person = self._person(as_name)
            if self.action:
                require(self.person, self.action)
            self.actor = Actor.command(getpass.getuser(), self.person.account.handle)
            self.act(**options)
        except (*REFUSALS, *self.refusals) as error:
            text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            self.stderr.write(self.style.ERROR(text))
            sys.exit(self.exit_refused)
        except (OSError, DatabaseError) as error:
            self.stderr.write(
                self.style.ERROR(f"{error}. Nothing was recorded; put it right and run the command again.")
            )
            sys.exit(EXIT_ERROR)

    @abstractmethod
    def act(self, *_: Any, **options: Any) -> None:
        """What the command does; its options come by name."""

    def _person(self, name: str | None) -> User:
        people = User.objects.select_related("account").filter(account__active=True)
        if name:
            found = people.filter(username=name).first()
            if found is None:
                raise CommandError(
                    f"There is no active account {name!r}; make one with manage.py person {name} --groups engineer"
                )
            return found
        only = list(people[:2])
        if len(only) != 1:
            raise CommandError("Say whose command this is: --as NAME, or set CHARTER_AS.")
        return only[0]

    def say(self, result: dict[str, Any], text: str, *, as_json: bool) -> None:
        """Print `result` as one line of JSON for scripts, or `text` for people."""
        self.stdout.write(json.dumps(result, sort_keys=True) if as_json else text)
