"""The OpenAPI document: every operation says that it answers refusals with a problem."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from governance.api.problems import MEDIA_TYPE


class FaultOut(serializers.Serializer[Any]):
    field = serializers.CharField(allow_blank=True)
    rule = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FaultOut(many=True)  # type: ignore[assignment]


class Schema(AutoSchema):
    def _get_response_bodies(self, direction: str = "response") -> Any:
        found = super()._get_response_bodies(direction=direction)  # type: ignore[arg-type]
        component: ResolvedComponent = self.resolve_serializer(Problem, "response")
        return {
            **found,
            "default": {"description": "Refused", "content": {MEDIA_TYPE: {"schema": component.ref}}},
        }
