"""GET /versions/dataset/…/rows/: rows of a dataset with their canonical hashes, read through an index."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from governance.api import problems
from governance.api.artifacts import VersionDoor
from governance.api.base import Strict
from governance.registry import rows
from governance.registry.datasets import BadData

LIMIT = 50
LARGEST_START = 2**53 - 1


class RowFilter(Strict):
    start = serializers.IntegerField(
        required=False,
        default=1,
        min_value=1,
        max_value=LARGEST_START,
        help_text="Number of the first row, from 1.",
    )
    limit = serializers.IntegerField(
        required=False, default=LIMIT, min_value=1, max_value=rows.LIMIT,
        help_text="Most rows; where they are long, fewer come.",
    )  # fmt: skip


class RowOut(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="From 1, in file order.")
    sha256 = serializers.CharField(help_text="Of the row's RFC 8785 bytes.")
    row = serializers.DictField(child=serializers.JSONField(allow_null=True))


class RowPage(serializers.Serializer[Any]):
    total = serializers.IntegerField(help_text="Rows of the dataset.")
    next = serializers.URLField(allow_null=True, help_text="Address of the next page; null on the last one.")
    results = RowOut(many=True)


class RowList(VersionDoor):
    filters = RowFilter
    serializer_class = RowPage

    @extend_schema(operation_id="versions_rows", parameters=[RowFilter], responses=RowPage)
    def get(self, request: Request, **_: str) -> Response:
        """Rows of a dataset from a number on. Answers 409 while the rows of a compressed file have not been unpacked by a scan.

        410 once the version was erased.
        """
        wanted = self.query()
        page = rows.page(self.readable(), wanted["start"], wanted["limit"])
        following = page.next and replace_query_param(request.build_absolute_uri(), "start", page.next)
        return Response(
            {"total": page.total, "next": following, "results": [row._asdict() for row in page.rows]}
        )


problems.register(rows.NoRows, lambda error: (404, "not-found", []))
problems.register(rows.Erased, lambda error: (410, "erased", []))
problems.register(rows.NotUnpacked, lambda error: (409, "not-unpacked", []))
problems.register(BadData, lambda error: (503, "bytes-damaged", []))
