"""The queues of reviews, the verdicts beside approving and refusing, and how much hangs on an artifact."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import serializers as shapes
from governance.api.artifacts import VersionDoor
from governance.api.base import Door, Strict
from governance.registry import lookup, states
from governance.registry.models import Artifact, Version
from governance.reviews import actions, impact, queues
from governance.reviews.requirements import CLASSES, RELEASE
from governance.reviews.seats import REVIEW, Standing, impact_of, standings

QUEUES = ("waiting", "submitted", "stale")


class QueueFilter(Strict):
    queue = serializers.ChoiceField(
        choices=QUEUES,
        default="waiting",
        help_text="What waits for you, what you wrote or submitted, or what has waited for long.",
    )


class WaitingOut(shapes.Out):
    subject = serializers.CharField()
    kind = serializers.CharField()
    state = serializers.CharField()
    digest = serializers.CharField()
    authors = serializers.ListField(child=serializers.CharField())
    since = serializers.DateTimeField(source="ledger_head.at", help_text="When it came into this state.")
    impact = serializers.SerializerMethodField(help_text="Impact class; null once it is decided.")
    seats = serializers.SerializerMethodField(
        help_text="Who must approve, and who has; none once it is decided."
    )

    @extend_schema_field({"type": ["string", "null"], "enum": [*CLASSES, None]})
    def get_impact(self, version: Version) -> str | None:
        held = self._standing(version)
        return held.impact if held else None

    @extend_schema_field(shapes.SeatOut(many=True))
    def get_seats(self, version: Version) -> list[dict[str, Any]]:
        held = self._standing(version)
        return held.seats if held else []

    def _standing(self, version: Version) -> Standing | None:
        found: Standing | None = self.context["standings"].get(version.pk)
        return found


class ReviewQueue(Door):
    filters = QueueFilter
    serializer_class = WaitingOut

    @property
    def order(self) -> tuple[str, ...]:  # type: ignore[override]
        newest_first = self.request.query_params.get("queue") == "submitted"
        return ("-ledger_head__id",) if newest_first else ("ledger_head__id",)

    @extend_schema(operation_id="reviews_list", parameters=[QueueFilter], responses=WaitingOut(many=True))
    def get(self, request: Request) -> Response:
        """Versions that wait for your decision, that you submitted, or that have waited for long."""
        page = self.paginate_queryset(self._rows(self.query()["queue"])) or []
        open_ones = [version for version in page if version.state == states.IN_REVIEW]
        context = {**self.get_serializer_context(), "standings": standings(open_ones)}
        return self.get_paginated_response(WaitingOut(page, many=True, context=context).data)

    def _rows(self, queue: str) -> QuerySet[Version]:
        if queue == "stale":
            return queues.stale()
        return queues.waiting(self.person) if queue == "waiting" else queues.submitted(self.person)


class ChangesOut(shapes.VersionOut):
    draft = serializers.CharField(help_text="The draft that the changes are made in.")


class Changes(VersionDoor):
    does = {"POST": REVIEW}
    serializer_class = ChangesOut

    @extend_schema(operation_id="versions_request_changes", request=shapes.DecisionIn)
    def post(self, request: Request, **_: str) -> Response:
        """Refuse exactly this digest and open the next draft with the same content, for its authors."""
        version = self.readable()
        review = actions.request_changes(version, **self.body(shapes.DecisionIn), actor=self.actor)
        draft = review.draft.subject if review.draft else None
        return Response({**shapes.decided(version), "draft": draft})


class Dissent(VersionDoor):
    does = {"POST": REVIEW}
    serializer_class = shapes.ReviewOut

    @extend_schema(operation_id="versions_dissent", request=shapes.DecisionIn)
    def post(self, request: Request, **_: str) -> Response:
        """Object to exactly this digest, in review or approved: recorded with its reason, and stops nothing."""
        review = actions.dissent(self.readable(), **self.body(shapes.DecisionIn), actor=self.actor)
        return Response(shapes.ReviewOut(review).data)


@extend_schema_serializer(
    examples=[OpenApiExample("More hangs on it", value={"impact": "high", "reason": "It goes to schools."})]
)
class ImpactIn(Strict):
    impact = serializers.ChoiceField(choices=CLASSES)
    reason = serializers.CharField(max_length=10_000)


class ImpactOut(shapes.Out):
    artifact = serializers.CharField()
    impact = serializers.ChoiceField(choices=CLASSES, allow_null=True)
    reason = serializers.CharField(allow_null=True, help_text="Null while it is the class of its kind.")
    by = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class ArtifactImpact(Door):
    does = {"POST": impact.ACTION}
    serializer_class = ImpactOut

    def touches(self) -> list[str]:
        return [self.artifact().name]

    def artifact(self) -> Artifact:
        return lookup.find_artifact("{kind}:{slug}".format(**self.kwargs))

    @extend_schema(operation_id="artifacts_impact")
    def get(self, request: Request, **_: str) -> Response:
        """How much hangs on an artifact, who said so, and why; of a release says its `use_tier`, and this null."""
        self.query()
        return Response(_told(self.artifact()))

    @extend_schema(operation_id="artifacts_set_impact", request=ImpactIn)
    def post(self, request: Request, **_: str) -> Response:
        """Raise the impact class of an artifact, or lower it as a reviewer who wrote nothing of it that may still be approved."""
        artifact = self.artifact()
        impact.set_impact(artifact, **self.body(ImpactIn), actor=self.actor)
        return Response(_told(artifact))


def _told(artifact: Artifact) -> dict[str, Any]:
    newest = artifact.impacts.first()
    found = {
        "artifact": artifact.name,
        "impact": None if artifact.kind == RELEASE else impact_of(artifact),
        **{name: getattr(newest, name, None) for name in ("reason", "by", "at")},
    }
    return dict(ImpactOut(found).data)
