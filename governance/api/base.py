"""What every endpoint shares: who acts, strict bodies and filters, tags, and one way to say where to go on."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from rest_framework import exceptions, serializers
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import BasePagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import caching, idempotency, permissions, refusals, throttling
from governance.api.pagination import PARAMETERS, Page
from governance.api.parsers import LengthRequired, StrictJson
from governance.api.problems import PreconditionFailed, PreconditionRequired
from governance.api.schema import Schema
from governance.ledger.actors import Actor
from governance.ledger.models import Auditable
from governance.people.actions import actor_for
from governance.people.models import Token, User

JSON = "application/json"


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
    """A refusal has one form, whatever a client accepts; answers are looked at by `Door.preferred`."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        wanted = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class Door(GenericAPIView[Any]):
    """Base of all endpoints. `does` says which action each writing method is; `filters` checks the query.

    `order` is the order of a list, `produces` the media types that it may answer, and `commits` says that a POST commits its
    work by itself, so that no transaction may be put around it.
    """

    does: ClassVar[dict[str, str]] = {}
    filters: ClassVar[type[Strict]] = Nothing
    order: ClassVar[tuple[str, ...] | None] = None
    produces: ClassVar[tuple[str, ...]] = (JSON,)
    commits: ClassVar[bool] = False

    schema = Schema()
    renderer_classes = [JSONRenderer]
    parser_classes = [StrictJson]
    permission_classes = [permissions.Permitted]
    content_negotiation_class = OneForm
    metadata_class = None
    pagination_class: type[BasePagination] = Page
    serializer_class: type[serializers.Serializer[Any]]
    post: idempotency.Handler

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        throttling.refuse_locked(request)
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            raise LengthRequired
        super().initial(request, *args, **kwargs)
        if request.method in caching.READING:
            self.preferred()
        elif request.method == "POST" and hasattr(self, "post"):
            self.post = idempotency.once(self, self.post)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        throttling.count(request)

    def handle_exception(self, exc: Exception) -> Response:
        throttling.note(self.request, exc)
        refusals.note(exc)
        return super().handle_exception(exc)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        return caching.finished(request, super().finalize_response(request, response, *args, **kwargs))

    def preferred(self) -> str:
        """The first media type of `produces` that the client accepts. Raises NotAcceptable when it accepts none."""
        accepts = self.request._request.accepts
        anything = not self.request.headers.get("Accept")
        found = next((kind for kind in self.produces if anything or accepts(kind.partition(";")[0])), None)
        if found is None:
            raise exceptions.NotAcceptable(
                f"This address answers {' or '.join(self.produces)}; change the header Accept, or leave it out."
            )
        return found

    def touches(self) -> Iterable[str] | None:
        """Names (`kind:slug`) of the artifacts that this request would change, for tokens that are limited to some.

        None, as here, is an address that is about no artifact: such a token does nothing there. Bodies are not checked yet.
        """
        return None

    def given(self, name: str) -> str:
        """A field of the unchecked body as text, empty where there is none."""
        found = self.request.data.get(name) if isinstance(self.request.data, Mapping) else None
        return found if isinstance(found, str) else ""

    def kept(self, data: Any) -> Any:
        """What of an answer is stored for whoever sends its `Idempotency-Key` again."""
        return data

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
        paging = PARAMETERS if self.order is not None else frozenset()
        given = {name: value for name, value in self.request.query_params.items() if name not in paging}
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
