"""Who may do what over HTTP: reading needs an active account, writing the action, and of a token its scope too."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from governance.people.models import Token
from governance.people.permissions import require, require_group
from governance.people.tokens import reaches


class TokenRefused(PermissionDenied):
    """A token asked for more than it was made for. `why` is what the ledger says of it, once a day."""

    def __init__(self, token: Token, why: str, sentence: str) -> None:
        super().__init__(sentence)
        self.token, self.why = token, why


class Permitted(BasePermission):
    """Checks the view's `does`: HTTP method → name of the action that it does. Raises PermissionDenied with a sentence."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        require_account(request)
        if action := view.does.get("GET" if request.method == "HEAD" else request.method):
            permit(request, action)
        if action or request.method not in SAFE_METHODS:
            permit_artifacts(request, view)
        return True


def require_account(request: Request) -> None:
    account = getattr(request.user, "account", None)
    if account is None or not account.active:
        raise PermissionDenied("This sign-in has no active account; ask an administrator for one.")


def permit(request: Request, action: str) -> None:
    """Raise PermissionDenied unless the account may do `action` and the token, where one is used, has it as a scope."""
    if isinstance(request.auth, Token) and action not in request.auth.scopes:
        raise TokenRefused(
            request.auth, "scope", f"The token {request.auth.label!r} lacks the scope {action}."
        )
    # A decision may need a second factor; reading what it is about does not.
    (require_group if request.method in SAFE_METHODS else require)(request.user, action)


def permit_artifacts(request: Request, view: Any) -> None:
    """Raise TokenRefused for a token that is limited to other artifacts than the view's `touches` names."""
    token = request.auth
    if not isinstance(token, Token) or not token.artifacts:
        return
    limits = f"The token {token.label!r} may change only {', '.join(token.artifacts)}"
    touched: Iterable[str] | None = view.touches()
    if touched is None:
        raise TokenRefused(token, "artifact", f"{limits}; what this address does is about none of them.")
    if outside := [name for name in touched if not reaches(token, name)]:
        raise TokenRefused(token, "artifact", f"{limits}, not {outside[0][:120]}.")


def permit_person(request: Request, why: str) -> None:
    """Raise PermissionDenied with the sentence `why` for a token: what gives rights is for people who signed in."""
    if isinstance(request.auth, Token):
        raise PermissionDenied(why)
