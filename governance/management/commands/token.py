"""`manage.py token make | list | revoke`: API tokens from the shell of the server."""

import argparse
import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management import CommandError
from django.utils import timezone

from governance.management.acting import ActingCommand
from governance.people import actions
from governance.people.models import Token
from governance.people.permissions import decisions
from governance.people.tokens import LIFETIME, LONGEST, visible_to
from governance.registry.access import check_kinds
from governance.registry.actions import Refused
from governance.registry.lookup import NotFound

SHOWN_ID = 8


class Command(ActingCommand):
    help = (
        "API tokens of the person the command acts for. `make` prints the secret on standard output, this once; `list` "
        "and `revoke` name tokens by the first digits of their ids. An administrator lists and revokes everybody's."
    )
    example = (
        "TOKEN=$(manage.py token make nightly --scopes registry:version:register releases:gate:run --artifacts model:tuned --as ci)\n"
        "manage.py token list --as ci\nmanage.py token revoke 3f2a9c1b --as ci"
    )
    action = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, parser_class=argparse.ArgumentParser)
        make = verbs.add_parser("make", help="a new token")
        make.add_argument("label", help="what it is for")
        make.add_argument(
            "--scopes",
            nargs="*",
            default=[],
            metavar="ACTION",
            help="actions that it may do; reading needs none",
        )
        make.add_argument(
            "--artifacts",
            nargs="*",
            default=[],
            metavar="KIND:SLUG",
            help="artifacts that it may change, kind:* for all of a kind (default: all that its scopes reach)",
        )
        make.add_argument(
            "--days", type=int, default=LIFETIME.days, help=f"days that it lives (default: {LIFETIME.days})"
        )
        verbs.add_parser("list", help="the tokens there are, with what they may do")
        verbs.add_parser("revoke", help="end a token at once").add_argument(
            "token", help="first digits of its id"
        )
        for verb in verbs.choices.values():
            super().add_arguments(verb)
            verb.add_argument("--json", action="store_true", help="print JSON")

    def act(self, *, verb: str, json: bool, **options: Any) -> None:
        getattr(self, f"_{verb}")(as_json=json, **options)

    def _make(
        self, *, label: str, scopes: list[str], artifacts: list[str], days: int, as_json: bool, **_: Any
    ) -> None:
        if not 1 <= days <= LONGEST.days:
            raise CommandError(f"A token lives 1 to {LONGEST.days} days, not {days}.")
        if decided := [scope for scope in scopes if scope in decisions()]:
            raise Refused(
                f"No command makes a token for {decided[0]}: that is decided by people who sign in, with a token that they"
                " made in the browser."
            )
        expiry = timezone.now() + timedelta(days=days)
        check_kinds(artifacts)
        token, secret = actions.create_token(
            self.person.account,
            label=label,
            scopes=scopes,
            artifacts=artifacts,
            expires_at=expiry,
            actor=self.actor,
        )
        self.say({**_told(token), "secret": secret}, secret, as_json=as_json)
        if not as_json and sys.stderr.isatty():
            self.stderr.write("This secret is shown once. Send it as: Authorization: Bearer …")

    def _list(self, *, as_json: bool, **_: Any) -> None:
        rows = [_told(token) for token in visible_to(self.person).order_by("-expires_at", "id")]
        lines = [
            f"{row['id'][:SHOWN_ID]}  {row['state']:8} until {row['expires_at'][:10]}  {row['account']}  {row['label']}:"
            f" {', '.join(row['scopes']) or 'reads only'}{_limits(row)}"
            for row in rows
        ]
        self.say({"tokens": rows}, "\n".join(lines) or "There is no token yet.", as_json=as_json)

    def _revoke(self, *, token: str, as_json: bool, **_: Any) -> None:
        found = [one for one in visible_to(self.person) if str(one.pk).startswith(token)][:2]
        if len(token) < 4 or len(found) != 1:
            what = "More than one token begins" if len(found) > 1 else "No token of yours begins"
            raise NotFound(f"{what} with {token!r}; manage.py token list shows them.")
        if not found[0].revoked:
            actions.revoke_token(found[0], actor=self.actor)
        told = _told(found[0])
        self.say(told, f"The token {told['label']} is revoked.", as_json=as_json)


def _limits(row: dict[str, Any]) -> str:
    return f" on {', '.join(row['artifacts'])}" if row["artifacts"] else ""


def _told(token: Token) -> dict[str, Any]:
    state = "revoked" if token.revoked else "expired" if token.expires_at <= timezone.now() else "good"
    return {
        "id": str(token.pk),
        "label": token.label,
        "account": token.account.handle,
        "scopes": token.scopes,
        "artifacts": token.artifacts,
        "expires_at": token.expires_at.isoformat(),
        "state": state,
    }
