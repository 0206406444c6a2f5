"""Sign-in of machines: `Authorization: Bearer charter_…`. Only the SHA-256 of a token's secret is stored."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from governance.people.actions import fingerprint
from governance.people.models import Token, User

SCHEME = "bearer"


class TokenOver(AuthenticationFailed):
    """A token that was good once. `why` is what the ledger says of it, once a day."""

    def __init__(self, token: Token, why: str, sentence: str) -> None:
        super().__init__(sentence)
        self.token, self.why = token, why


class TokenAuthentication(BaseAuthentication):
    """`request.auth` becomes the Token, `request.user` the person behind it. Raises AuthenticationFailed (401)."""

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="charter"'

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        token = (
            Token.objects.select_related("account__user").filter(digest=fingerprint(secret.strip())).first()
        )
        if token is None:
            raise AuthenticationFailed(
                "No such token. Make one at POST /api/v1/tokens/ or ask for a new one."
            )
        if token.revoked or token.expires_at <= timezone.now():
            why = "revoked" if token.revoked else "expired"
            raise TokenOver(token, why, f"The token {token.label!r} is {why}; make a new one.")
        if not (token.account.active and token.account.user.is_active):
            raise TokenOver(token, "closed", "The account of this token is closed.")
        return token.account.user, token


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names it."""

    target_class = "governance.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": SCHEME, "bearerFormat": "charter_<secret>"}
