"""Break glass over HTTP: one person withdraws or rolls back at once, a second one reviews it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api import serializers as shapes
from governance.api.base import Door, Strict
from governance.registry import lookup
from governance.registry.access import require_read
from governance.releases import emergency as actions
from governance.releases import serving_found
from governance.releases.models import Emergency
from governance.releases.serving_rules import MAX_REASON

EMERGENCY_KINDS = Emergency.KINDS


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Back to what answered before",
            value={
                "kind": "rollback",
                "runtime": "chat",
                "to": "release:demo-assistant@1",
                "reason": "It leaks names.",
            },
        )
    ]
)
class EmergencyIn(Strict):
    kind = serializers.ChoiceField(choices=EMERGENCY_KINDS)
    runtime = serializers.CharField(max_length=80)
    to = serializers.CharField(
        required=False, max_length=200, help_text="With `rollback`: release:slug@number."
    )
    reason = serializers.CharField(max_length=MAX_REASON)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if (data["kind"] == Emergency.ROLLBACK) != ("to" in data):
            raise serializers.ValidationError(
                {"to": "A rollback names the release that comes back; a withdrawal none."}
            )
        return data


@extend_schema_serializer(
    examples=[OpenApiExample("It was right", value={"outcome": "confirmed", "note": "It did leak names."})],
)
class EmergencyReviewIn(Strict):
    outcome = serializers.ChoiceField(choices=(Emergency.CONFIRMED, Emergency.CONTESTED))
    note = serializers.CharField(max_length=MAX_REASON)


class EmergencyOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="`withdraw` or `rollback`.")
    runtime = serializers.CharField(source="runtime.slug")
    ended = serializers.ListField(child=shapes.ObjectField(), help_text="{period, subject, share}")
    to = serializers.CharField(source="to.subject", allow_null=True, default=None)
    reason = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="By when a second person is to review it.")
    overdue = serializers.BooleanField()
    state = serializers.CharField(help_text="`open`, `confirmed` or `contested`.")
    reviewed_by = serializers.CharField(allow_blank=True)
    reviewed_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class EmergencyFilter(Strict):
    runtime = serializers.CharField(required=False, max_length=80)
    state = serializers.ChoiceField(choices=Emergency.STATES, required=False)


class EmergencyList(Door):
    does = {"POST": "releases:emergency:act"}
    filters = EmergencyFilter
    order = ("-at", "id")
    serializer_class = EmergencyOut

    @extend_schema(
        operation_id="emergencies_list", parameters=[EmergencyFilter], responses=EmergencyOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """What one person did without waiting for a second, newest first."""
        wanted = self.query()
        rows = Emergency.objects.select_related("runtime", "to__artifact")
        if slug := wanted.pop("runtime", None):
            rows = rows.filter(runtime__slug=slug)
        return self.paged(rows.filter(**wanted))

    @extend_schema(operation_id="emergencies_act", request=EmergencyIn, responses={201: EmergencyOut})
    def post(self, request: Request) -> Response:
        """End what answers at a runtime, or bring back what answered there before. Nothing else can be brought out this way."""
        given = self.body(EmergencyIn)
        runtime = serving_found.runtime(given["runtime"])
        if given["kind"] == Emergency.WITHDRAW:
            made = actions.withdraw(runtime, reason=given["reason"], actor=self.actor)
        else:
            to = lookup.find(given["to"] if ":" in given["to"] else f"release:{given['to']}")
            require_read(self.person, to)
            made = actions.rollback(runtime, to, reason=given["reason"], actor=self.actor)
        where = reverse("api:emergency", args=(made.pk,), request=request)
        return Response(EmergencyOut(made).data, status=status.HTTP_201_CREATED, headers={"Location": where})


class EmergencyDoor(Door):
    """One emergency, found by the id in the address."""

    serializer_class = EmergencyOut

    def found(self) -> Emergency:
        """Raises NotFound."""
        rows = Emergency.objects.select_related("runtime", "to__artifact")
        one = rows.filter(pk=self.kwargs["id"]).first()
        if one is None:
            raise lookup.NotFound(f"There is no emergency {self.kwargs['id']}.")
        return one


class EmergencyOne(EmergencyDoor):
    @extend_schema(operation_id="emergencies_get")
    def get(self, request: Request, **_: str) -> Response:
        """One emergency: what was done, by whom, and what a second person said of it."""
        self.query()
        return Response(EmergencyOut(self.found()).data)


class EmergencyReview(EmergencyDoor):
    does = {"POST": "releases:emergency:review"}

    @extend_schema(operation_id="emergencies_review", request=EmergencyReviewIn)
    def post(self, request: Request, **_: str) -> Response:
        """A second person's word on it, once and for good. Whoever did it cannot."""
        given = self.body(EmergencyReviewIn)
        return Response(EmergencyOut(actions.review(self.found(), **given, actor=self.actor)).data)
