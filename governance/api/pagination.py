"""Lists in pages of bounded size, each going on behind the last row of the one before.

A cursor is opaque and signed: it names the last row that was seen, and the list and filters that it belongs to. So no row is
seen twice while new ones arrive, nothing is ever counted, and a page that makes no sense is refused, never ignored.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

SIZE, LARGEST = 50, 200
LONGEST = 2_000
LARGEST_PLACE = 2**31 - 1
"""Of a line's number."""
CURSOR, PAGE_SIZE = "cursor", "page_size"
PARAMETERS = frozenset({CURSOR, PAGE_SIZE})
SALT = "charter.cursor"


class Page(BasePagination):
    """Rows in the order that the view names (`order`: fields, descending with `-`, together unique); any sequence by place."""

    size: ClassVar[int] = SIZE
    largest: ClassVar[int] = LARGEST

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = size_of(request, self.size, self.largest)
        after = self._after(request)
        if isinstance(queryset, QuerySet):
            rows = queryset.order_by(*view.order)
            found = list((rows.filter(behind(view.order, after)) if after else rows)[: size + 1])
            last = place_of(found[size - 1], view.order) if len(found) > size else None
        else:
            start = after[0] if after else 0
            found = list(queryset[start : start + size + 1])
            last = [start + size] if len(found) > size else None
        self.next = self._next(request, last) if last else None
        return found[:size]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        following = {
            "type": ["string", "null"],
            "format": "uri",
            "description": "Address of the next page; null on the last one.",
        }
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": following, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor = {"type": "string", "minLength": 1, "maxLength": LONGEST}
        size = {"type": "integer", "minimum": 1, "maximum": self.largest, "default": self.size}
        return [
            parameter(CURSOR, "Where to go on, as `next` of the page before says it.", cursor),
            parameter(PAGE_SIZE, "Rows a page.", size),
        ]

    def _after(self, request: Request) -> list[Any] | None:
        """The place that the request goes on behind. Raises ValidationError for a cursor that is not one of this list."""
        text = request.query_params.get(CURSOR)
        if text is None:
            return None
        try:
            told, place = signing.loads(text[:LONGEST], salt=SALT)
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise ValidationError({CURSOR: "This is no cursor; take `next` of the page before."}) from error
        if told != name_of(request):
            raise ValidationError({CURSOR: "This cursor belongs to another list, or to other filters."})
        return list(place)

    def _next(self, request: Request, place: Sequence[Any]) -> str:
        cursor = signing.dumps([name_of(request), list(place)], salt=SALT)
        return replace_query_param(request.build_absolute_uri(), CURSOR, cursor)


def size_of(request: Request, default: int, largest: int) -> int:
    """The wanted number of rows. Raises ValidationError unless it is from 1 to `largest`."""
    text = request.query_params.get(PAGE_SIZE)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= largest):
        raise ValidationError({PAGE_SIZE: f"A whole number from 1 to {largest}."})
    return int(text)


def name_of(request: Request) -> str:
    """What a cursor is bound to: the list's address and its filters."""
    filters = sorted((name, value) for name, value in request.query_params.items() if name not in PARAMETERS)
    return hashlib.sha256(repr((request.path, filters)).encode("utf-8", "replace")).hexdigest()[:16]


def behind(order: Sequence[str], place: Sequence[Any]) -> Q:
    """Rows behind `place` in `order`: the first field that differs decides."""
    found = Q()
    equal: dict[str, Any] = {}
    for name, value in zip(order, place, strict=True):
        field = name.removeprefix("-")
        found |= Q(**equal, **{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal[field] = value
    return found


def place_of(row: Any, order: Sequence[str]) -> list[Any]:
    """The values of `order` in one row, as JSON has them."""
    return [plain(follow(row, name.removeprefix("-"))) for name in order]


def follow(row: Any, path: str) -> Any:
    for step in path.split("__"):
        row = getattr(row, step)
    return row


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int | str) else str(value)


def parameter(name: str, told: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter of the OpenAPI document."""
    return {"name": name, "in": "query", "description": told, "schema": schema}
