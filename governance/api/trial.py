"""Trying a release policy on the releases in force, before anybody adopts it. Nothing is recorded."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import serializers as shapes
from governance.api.base import Door, Strict
from governance.api.pagination import Page
from governance.registry import lookup
from governance.registry.access import require_read
from governance.registry.kinds.release_policy import Content as Policy
from governance.releases import trial
from governance.releases.trial import TRY


@extend_schema_serializer(examples=[OpenApiExample("A draft", value={"policy": "release-policy:default@2"})])
class TryIn(Strict):
    policy = serializers.CharField(
        required=False,
        max_length=120,
        help_text="A release policy as release-policy:slug[@number], drafts too.",
    )
    content = shapes.ObjectField(required=False, help_text="Or the content of one that is nowhere yet.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if len(data) != 1:
            raise serializers.ValidationError({"policy": "Give either a policy's name or its content."})
        return data


class TriedRule(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    severity = serializers.CharField()
    verdict = serializers.CharField()
    reason = serializers.CharField()


class TriedOut(serializers.Serializer[Any]):
    release = serializers.CharField()
    digest = serializers.CharField()
    verdict = serializers.CharField(
        allow_null=True, help_text="Null: it could not be judged; `why` says why."
    )
    why = serializers.CharField(allow_blank=True)
    rules = TriedRule(many=True, help_text="Those that do not hold.")


class FewReleases(Page):
    """Each release has its evidence collected and judged: a page of them is a bounded piece of work."""

    size, largest = 5, 20


class Try(Door):
    does = {"POST": TRY}
    order = ("artifact__slug", "-number")
    pagination_class = FewReleases
    serializer_class = TriedOut

    def touches(self) -> list[str]:
        return []

    @extend_schema(operation_id="releases_try", request=TryIn, responses=TriedOut(many=True))
    def post(self, request: Request) -> Response:
        """What a release policy would say of the releases in force. Nothing is recorded, so a draft can be tried."""
        self.query()
        given = self.body(TryIn)
        policy = self._named(given["policy"]) if "policy" in given else trial.checked(given["content"])
        page = self.paginate_queryset(trial.in_force(self.person)) or []
        found = [trial.judge(release, policy).record() for release in page]
        return self.get_paginated_response(TriedOut(found, many=True).data)

    def _named(self, name: str) -> Policy:
        version = lookup.find(name, drafts=True)
        require_read(self.person, version)
        return trial.content_of(version)
