"""Lists in pages of bounded size. A page size or place that is no sensible number is refused, never ignored."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

SIZE, LARGEST = 50, 200
LARGEST_PAGE = 10**9
LARGEST_PLACE = 2**63 - 1


def whole(request: Request, name: str, default: int | None, largest: int) -> int | None:
    """The query parameter `name` as a number from 1 to `largest`. Raises ValidationError naming it."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= largest):
        raise ValidationError({name: f"A whole number from 1 to {largest}."})
    return int(text)


class Page(PageNumberPagination):
    page_size = SIZE
    page_size_query_param = "page_size"
    max_page_size = LARGEST

    def get_page_size(self, request: Request) -> int | None:
        return whole(request, "page_size", SIZE, LARGEST)

    def get_page_number(self, request: Request, paginator: Any) -> int:
        return whole(request, "page", 1, LARGEST_PAGE) or 1

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [numbered("page", LARGEST_PAGE, "Which page."), numbered("page_size", LARGEST, "Rows a page.")]


def numbered(name: str, largest: int, told: str) -> dict[str, Any]:
    """A query parameter of the schema that is a whole number."""
    return {
        "name": name,
        "in": "query",
        "description": told,
        "schema": {"type": "integer", "minimum": 1, "maximum": largest},
    }


class Keyset(BasePagination):
    """Rows in the order of a key; the next page goes on behind the last key of this one, so that no row is seen twice.

    For tables that grow for ever: it never counts them.
    """

    key: str
    place: str
    order: str
    lookup: str
    told: str

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = whole(request, "page_size", SIZE, LARGEST) or SIZE
        place = whole(request, self.place, None, LARGEST_PLACE)
        rows = queryset.order_by(self.order)
        if place is not None:
            rows = rows.filter(**{f"{self.key}__{self.lookup}": place})
        found = list(rows[: size + 1])
        self.next = self._next(request, found[size - 1]) if len(found) > size else None
        return found[:size]

    def _next(self, request: Request, last: Any) -> str:
        return replace_query_param(request.build_absolute_uri(), self.place, getattr(last, self.key))

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        following = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": following, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            numbered(self.place, LARGEST_PLACE, self.told),
            numbered("page_size", LARGEST, "Rows a page."),
        ]


class Newest(Keyset):
    """Newest rows first, by `id`."""

    key, place, order, lookup, told = "id", "before", "-id", "lt", "Rows older than the one with this id."


class Lines(Keyset):
    """Lines of a run's file in their order, by `seq`."""

    key, place, order, lookup, told = "seq", "after", "seq", "gt", "Lines behind the one with this number."
