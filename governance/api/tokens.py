"""API tokens and who one is. The secret of a token is shown once, when it is made."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.base import Door, Strict
from governance.api.permissions import permit_person
from governance.people.actions import create_token, revoke_token
from governance.people.models import Token
from governance.people.permissions import may, table
from governance.people.tokens import LIFETIME, LONGEST, MOST_ARTIFACTS, checked_artifacts, visible_to
from governance.registry.access import check_kinds
from governance.registry.kinds import UnknownKind
from governance.registry.lookup import NotFound

TOKENS_CANNOT = "A token cannot make or revoke tokens: a stolen one would make another that outlives it. Sign in for that."


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "For a pipeline",
            value={
                "label": "nightly",
                "scopes": ["registry:version:register", "releases:gate:run"],
                "artifacts": ["model:assistant", "release:assistant"],
            },
        )
    ]
)
class TokenIn(Strict):
    label = serializers.CharField(max_length=80, help_text="What the token is for.")  # type: ignore[assignment]
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        default=list,
        max_length=100,
        help_text="Actions that it may do; reading needs none.",
    )
    artifacts = serializers.ListField(
        child=serializers.CharField(max_length=121),
        default=list,
        max_length=MOST_ARTIFACTS,
        help_text="The artifacts that it may change, as `kind:slug` or `kind:*`; none named: all that its scopes reach.",
    )
    expires_at = serializers.DateTimeField(
        required=False, help_text="In 90 days unless said otherwise, in a year at most."
    )

    def validate_artifacts(self, patterns: list[str]) -> list[str]:
        try:
            check_kinds(checked_artifacts(patterns))
        except (ValidationError, UnknownKind) as error:
            raise serializers.ValidationError(
                error.messages if isinstance(error, ValidationError) else str(error)
            ) from error
        return patterns

    def validate_expires_at(self, moment: Any) -> Any:
        if moment > timezone.now() + LONGEST:
            raise serializers.ValidationError(f"A token lives {LONGEST.days} days at most.")
        return moment


class TokenOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]
    account = serializers.CharField(source="account.handle")
    scopes = serializers.ListField(child=serializers.CharField())
    artifacts = serializers.ListField(
        child=serializers.CharField(), help_text="Empty: all that its scopes reach."
    )
    expires_at = serializers.DateTimeField()
    revoked = serializers.BooleanField()


class NewToken(TokenOut):
    secret = serializers.CharField(
        allow_null=True,
        help_text="Shown this once; null when an `Idempotency-Key` is sent again. Send it as `Authorization: Bearer …`.",
    )


class MeOut(serializers.Serializer[Any]):
    username = serializers.CharField()
    handle = serializers.CharField(source="account.handle")
    display_name = serializers.CharField(allow_blank=True)
    groups = serializers.ListField(child=serializers.CharField(), source="account.groups")
    may = serializers.ListField(
        child=serializers.CharField(), help_text="Actions that this request's sign-in may do."
    )
    token = TokenOut(allow_null=True)


class TokenList(Door):
    order = ("-expires_at", "id")
    serializer_class = TokenOut

    @extend_schema(operation_id="tokens_list", responses=TokenOut(many=True))
    def get(self, request: Request) -> Response:
        """One's own tokens, newest expiry first; an administrator sees everybody's."""
        self.query()
        return self.paged(visible_to(request.user))

    @extend_schema(operation_id="tokens_create", request=TokenIn, responses={201: NewToken})
    def post(self, request: Request) -> Response:
        """A new token of one's own. A token cannot make tokens."""
        permit_person(request, TOKENS_CANNOT)
        given = {"expires_at": timezone.now() + LIFETIME, **self.body(TokenIn)}
        token, secret = create_token(self.person.account, **given, actor=self.actor)
        return Response({**TokenOut(token).data, "secret": secret}, status=status.HTTP_201_CREATED)

    def kept(self, data: Any) -> Any:
        """A secret is stored nowhere, so whoever sends the same request again does not see it."""
        return {**data, "secret": None}


class TokenRevoke(Door):
    serializer_class = TokenOut

    @extend_schema(operation_id="tokens_revoke", request=None)
    def post(self, request: Request, id: str) -> Response:
        """End a token at once. Revoking it again changes nothing."""
        permit_person(request, TOKENS_CANNOT)
        self.body()
        token = visible_to(request.user).filter(pk=id).first()
        if token is None:
            raise NotFound(f"You have no token {id}.")
        if not token.revoked:
            revoke_token(token, actor=self.actor)
        return Response(TokenOut(token).data)


class Me(Door):
    serializer_class = MeOut

    @extend_schema(operation_id="me")
    def get(self, request: Request) -> Response:
        """Who is signed in, and what they may do with this sign-in."""
        self.query()
        token = request.auth if isinstance(request.auth, Token) else None
        allowed = [
            action
            for action in table()
            if may(request.user, action) and (token is None or action in token.scopes)
        ]
        person = self.person
        shown = {
            "username": person.username,
            "account": person.account,
            "display_name": person.display_name,
            "may": allowed,
            "token": token,
        }
        return Response(MeOut(shown).data)
