"""What every endpoint shares: who acts, strict bodies and filters, tags, and one way to say where to go on."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import BasePagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import permissions
from governance.api.pagination import Page
from governance.api.parsers import LengthRequired, StrictJson
from governance.api.problems import PreconditionFailed, PreconditionRequired
from governance.api.schema import Schema
from governance.ledger.actors import Actor
from governance.ledger.models import Auditable
from governance.people.actions import actor_for
from governance.people.models import Token, User

NOT_FILTERS = frozenset({"page", "page_size", "before", "after"})


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not know, so that a misspelt one never goes unnoticed."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (
            unknown := sorted(str(name) for name in set(data) - set(self.fields))
        ):
            known = ", ".join(self.fields) or "none"
            raise serializers.ValidationError({unknown[0]: f"There is no such field; fields are: {known}."})
        return super().to_internal_value(data)


class Nothing(Strict):
    """A body or a query without fields."""


class OneForm(BaseContentNegotiation):
    """Each address has one form; what a client would rather have does not change it (RFC 9110, 12.4.1)."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        wanted = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class Door(GenericAPIView[Any]):
    """Base of all endpoints. `does` says which action each writing method is; `filters` checks the query."""

    does: ClassVar[dict[str, str]] = {}
    filters: ClassVar[type[Strict]] = Nothing

    schema = Schema()
    renderer_classes = [JSONRenderer]
    parser_classes = [StrictJson]
    permission_classes = [permissions.Permitted]
    content_negotiation_class = OneForm
    metadata_class = None
    pagination_class: type[BasePagination] = Page
    serializer_class: type[serializers.Serializer[Any]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            raise LengthRequired
        super().initial(request, *args, **kwargs)

    @property
    def person(self) -> User:
        return cast(User, self.request.user)

    @property
    def actor(self) -> Actor:
        """Who the ledger names: the person, or their token."""
        if isinstance(self.request.auth, Token):
            return Actor.token(str(self.request.auth.id), self.person.account.handle)
        return actor_for(self.person)

    def body(self, form: type[Strict] = Nothing) -> dict[str, Any]:
        """The checked body. Raises ValidationError naming each field at fault."""
        return self._checked(form(data=self.request.data))

    def query(self) -> dict[str, Any]:
        """The checked filters of the query string. Raises ValidationError, also for a filter that does not exist."""
        given = {name: value for name, value in self.request.query_params.items() if name not in NOT_FILTERS}
        return self._checked(self.filters(data=given))

    def paged(self, rows: Any) -> Response:
        """One page of rows in the endpoint's shape."""
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(rows), many=True).data)

    def _checked(self, form: Strict) -> dict[str, Any]:
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)


def etag(row: Auditable) -> str:
    """The strong entity tag of a row's current revision."""
    return f'"{row.ledger_rev}"'


def check_match(header: str | None, row: Auditable) -> None:
    """Raise PreconditionRequired without `If-Match`, PreconditionFailed unless it names the row's revision."""
    if not header:
        raise PreconditionRequired(
            "Send If-Match with the ETag that you read, so that nobody's change is lost."
        )
    if header.strip() != "*" and etag(row) not in [tag.strip() for tag in header.split(",")]:
        raise PreconditionFailed(
            f"The stored state is {etag(row)}, you read {header}; read it again and repeat the change."
        )
