"""Whose request it is: Django's middleware, and whether the person showed a second factor in this session."""

from functools import partial

from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from governance.people.models import Account, User

MARK = "second_factor"


class Signed(AuthenticationMiddleware):
    """`request.user` as Django sets it, with `showed_factor` on it. The session is read when the user is, not before."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(partial(_marked, request))  # type: ignore[assignment]


def remember(request: HttpRequest, account: Account) -> None:
    """The person showed their second factor. It holds for this session, until the account changes."""
    request.session.cycle_key()
    request.session[MARK] = _mark(account)


def _marked(request: HttpRequest) -> User | AnonymousUser:
    user = get_user(request)
    account = getattr(user, "account", None) if MARK in request.session else None
    if account is not None:
        user.showed_factor = request.session[MARK] == _mark(account)  # type: ignore[union-attr]
    return user


def _mark(account: Account) -> list[str | int]:
    """Bound to the revision: after a reset or new groups nothing that was shown before counts."""
    return [str(account.pk), account.ledger_rev]
