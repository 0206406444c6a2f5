"""Who may do what over HTTP: reading needs an active account, writing the action, and of a token its scope too."""

from typing import Any

from django.core.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from governance.people.models import Token
from governance.people.permissions import require


class Permitted(BasePermission):
    """Checks the view's `does`: HTTP method → name of the action that it does. Raises PermissionDenied with a sentence."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        require_account(request)
        if action := view.does.get("GET" if request.method == "HEAD" else request.method):
            permit(request, action)
        return True


def require_account(request: Request) -> None:
    account = getattr(request.user, "account", None)
    if account is None or not account.active:
        raise PermissionDenied("This sign-in has no active account; ask an administrator for one.")


def permit(request: Request, action: str) -> None:
    """Raise PermissionDenied unless the account may do `action` and the token, where one is used, has it as a scope."""
    if isinstance(request.auth, Token) and action not in request.auth.scopes:
        raise PermissionDenied(f"The token {request.auth.label!r} lacks the scope {action}.")
    require(request.user, action)


def permit_person(request: Request, why: str) -> None:
    """Raise PermissionDenied with the sentence `why` for a token: what gives rights is for people who signed in."""
    if isinstance(request.auth, Token):
        raise PermissionDenied(why)
