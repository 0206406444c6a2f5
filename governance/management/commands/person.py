"""`manage.py person NAME --groups …`: the first accounts of an installation, or a new one from the shell."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from governance.ledger.actors import Actor
from governance.people.actions import create_person
from governance.people.models import User
from governance.people.permissions import GROUPS


class Command(BaseCommand):
    help = "Make an account. The password is asked for, or read from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = "Example: manage.py person ada --groups engineer --handle ada"
        parser.add_argument("username")
        parser.add_argument(
            "--groups", nargs="+", default=[], choices=list(GROUPS), metavar="GROUP", help=", ".join(GROUPS)
        )
        parser.add_argument("--handle", default="", help="pseudonym in the ledger (random when left out)")
        parser.add_argument("--email", default="")

    def handle(self, *, username: str, groups: list[str], handle: str, email: str, **_: Any) -> None:
        if User.objects.filter(username=username).exists():
            raise CommandError(f"{username} exists already; change groups in the admin.")
        password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            validate_password(password)
            user = create_person(
                username,
                handle=handle,
                email=email,
                password=password,
                groups=groups,
                actor=Actor.command(getpass.getuser(), None),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{username} can sign in; the ledger knows them as {user.account.handle}.")
