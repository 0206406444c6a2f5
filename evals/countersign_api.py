"""Countersignatures over HTTP: what outside parties signed about an evaluation."""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evals import countersigning
from evals.api import require_readable
from evals.countersigned import BadStatement
from evals.records import KIND, one
from governance.api import problems
from governance.api.base import Door, Strict
from governance.api.serializers import ObjectField


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A statement of lab.example",
            value={
                "envelope": '{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"…","sig":"…"}]}',
                "key": "lab.example+00000000+AQAA",
            },
        )
    ]
)
class CountersignatureIn(Strict):
    envelope = serializers.CharField(
        max_length=countersigning.LARGEST, trim_whitespace=False, help_text="The DSSE envelope, as text."
    )
    key = serializers.CharField(max_length=500, help_text="Their public key: name+id+base64.")


class CountersignatureOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    evaluation = serializers.UUIDField()
    party = serializers.CharField()
    fingerprint = serializers.CharField(help_text="SHA-256 of their public key.")
    envelope_sha256 = serializers.CharField()
    by = serializers.CharField(help_text="Who recorded it.")
    tasks = serializers.ListField(
        child=ObjectField(), help_text="Their score and ours on each task; `word` is `agrees` or `conflicts`."
    )


class Countersignatures(Door):
    does = {"POST": countersigning.ACTION}
    order = ("started_at", "id")
    serializer_class = CountersignatureOut

    def touches(self) -> list[str]:
        return [str(edge["subject"]).partition("@")[0] for edge in one(KIND, self.kwargs["id"]).used]

    @extend_schema(operation_id="evaluations_countersignatures", responses=CountersignatureOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        """What outside parties signed about an evaluation, and how it stands to ours; oldest first."""
        self.query()
        found = one(KIND, id)
        require_readable(self.person, found)
        page = self.paginate_queryset(countersigning.of(found)) or []
        return self.get_paginated_response([countersigning.told(each) for each in page])

    @extend_schema(
        operation_id="evaluations_countersign",
        request=CountersignatureIn,
        responses={201: CountersignatureOut},
    )
    def post(self, request: Request, id: str) -> Response:
        """Record what an outside party signed after running the suite on the same weights. You vouch that the key is theirs."""
        given, found = self.body(CountersignatureIn), one(KIND, id)
        require_readable(self.person, found)
        made = countersigning.record(found, given["envelope"].encode(), given["key"], actor=self.actor)
        return Response(countersigning.told(made), status=201)


problems.register(BadStatement, lambda error: (422, "invalid-values", [("envelope", str(error))]))

urlpatterns: list[URLPattern] = [
    path("evaluations/<uuid:id>/countersignatures/", Countersignatures.as_view(), name="countersignatures"),
]
