"""Accounts and tokens: each change is one transaction with its entry."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.people.events import PeopleEvent
from governance.people.models import Account, Token, User
from governance.people.names import check_plain, check_unlike
from governance.people.permissions import ADMINISTRATOR, GROUPS, POLICY_EDITOR, table
from governance.people.tokens import checked_artifacts

STAFF = {ADMINISTRATOR, POLICY_EDITOR}
"""Groups whose members may open the admin."""


def checked_groups(groups: Iterable[str]) -> list[str]:
    chosen = sorted(set(groups))
    if unknown := [name for name in chosen if name not in GROUPS]:
        raise ValidationError(f"Unknown group {unknown[0]!r}; groups are {', '.join(GROUPS)}.")
    return chosen


@transaction.atomic
def create_person(
    username: str,
    *,
    handle: str = "",
    display_name: str = "",
    email: str = "",
    password: str | None = None,
    groups: Iterable[str] = (),
    actor: Actor,
) -> User:
    """A new sign-in with its account. `handle` is what the ledger carries (random when empty). Raises ValidationError."""
    chosen = checked_groups(groups)
    check_plain(username=username, display_name=display_name)
    check_unlike(username=username, display_name=display_name)
    user = User(username=username, display_name=display_name, email=email, is_staff=bool(STAFF & set(chosen)))
    user.set_password(password)
    user.full_clean(exclude=["password"])
    account = Account(handle=handle or f"p-{secrets.token_hex(4)}", groups=chosen)
    account.clean_fields(exclude=["user", "ledger_head", "id"])
    user.save()
    account.user = user
    append(account, op=PeopleEvent.ACCOUNT_CREATED, actor=actor)
    return user


@transaction.atomic
def set_groups(account: Account, groups: Iterable[str], *, actor: Actor) -> None:
    """Replace the account's groups. Raises ValidationError for an unknown group or for one's own account."""
    if actor.handle == account.handle:
        raise ValidationError("Nobody changes their own groups; ask another administrator.")
    account.groups = checked_groups(groups)
    append(account, op=PeopleEvent.GROUPS_CHANGED, actor=actor, fields=["groups"])
    account.user.is_staff = bool(STAFF & set(account.groups))
    account.user.save(update_fields=["is_staff"])


@transaction.atomic
def deactivate(account: Account, *, actor: Actor) -> None:
    """Close an account: no sign-in, no token of it works. History keeps its handle."""
    account.active = False
    append(account, op=PeopleEvent.DEACTIVATED, actor=actor, fields=["active"])
    account.user.is_active = False
    account.user.save(update_fields=["is_active"])


@transaction.atomic
def create_token(
    account: Account,
    *,
    label: str,
    scopes: Iterable[str],
    artifacts: Iterable[str] = (),
    expires_at: datetime,
    actor: Actor,
) -> tuple[Token, str]:
    """A token and its secret, which is returned this once. It changes only the `artifacts` (`kind:slug`, `kind:*`), if any.

    Raises ValidationError for unknown scopes, bad patterns or a past expiry.
    """
    chosen = sorted(set(scopes))
    if unknown := [scope for scope in chosen if scope not in table()]:
        raise ValidationError(
            f"Unknown scope {unknown[0]!r}; scopes are names of actions: see docs/security.md."
        )
    if expires_at <= timezone.now():
        raise ValidationError("The expiry lies in the past.")
    secret = f"charter_{secrets.token_urlsafe(32)}"
    token = Token(
        account=account,
        label=label,
        scopes=chosen,
        artifacts=checked_artifacts(artifacts),
        expires_at=expires_at.replace(microsecond=0),
        digest=fingerprint(secret),
    )
    append(token, op=PeopleEvent.TOKEN_CREATED, actor=actor)
    return token, secret


@transaction.atomic
def revoke_token(token: Token, *, actor: Actor) -> None:
    token.revoked = True
    append(token, op=PeopleEvent.TOKEN_REVOKED, actor=actor, fields=["revoked"])


@transaction.atomic
def record_refusal(token: Token, why: str) -> None:
    """Note that the token was refused, once for each reason and day, so that nobody can flood the ledger with it."""
    today = timezone.now().date().isoformat()
    if token.refused.get(why) == today:
        return
    token.refused = {**token.refused, why: today}
    append(token, op=PeopleEvent.TOKEN_REFUSED, actor=Actor.system("doors"), fields=["refused"])


def fingerprint(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def actor_for(user: User | AnonymousUser) -> Actor:
    """The actor that a signed-in user is."""
    assert isinstance(user, User)  # noqa: S101 -- for the type checker: doors let nobody in without signing in
    return Actor.person(user.account.handle)
