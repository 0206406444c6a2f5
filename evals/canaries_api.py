"""Canaries over HTTP: suites that are asked of an endpoint again and again, and their alarms."""

from decimal import Decimal
from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evals import canaries, canaries_told
from evals.models import Canary, CanaryAlarm
from evals.records import artifact_of, named
from governance.api.base import Door, Strict
from governance.api.serializers import ObjectField, ReasonIn
from governance.releases import serving_found

CANARY_STATES, CANARY_ALARM_STATES = Canary.STATES, CanaryAlarm.STATES


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Twice a day",
            value={
                "runtime": "chat",
                "model": "model:chat-api@1",
                "suite": "eval-suite:household@1",
                "every_hours": 12,
                "alpha": "0.01",
            },
        )
    ]
)
class CanaryIn(Strict):
    runtime = serializers.CharField(max_length=80)
    model = serializers.CharField(max_length=200, help_text="model:slug[@number], one with an `endpoint`.")
    suite = serializers.CharField(max_length=200, help_text="eval-suite:slug[@number]")
    every_hours = serializers.IntegerField(min_value=1, max_value=canaries.LONGEST)
    alpha = serializers.DecimalField(
        max_digits=7, decimal_places=6, min_value=canaries.LEAST_ALPHA, max_value=canaries.MOST_ALPHA,
        default=Decimal(canaries.ALPHA), help_text="Chance of a false alarm over all looks at one reference.",
    )  # fmt: skip


class CanaryOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    runtime = serializers.CharField()
    model = serializers.CharField()
    suite = serializers.CharField()
    every_hours = serializers.IntegerField()
    alpha = serializers.CharField(help_text="As decimal text.")
    by = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=CANARY_STATES)
    how = serializers.ChoiceField(
        choices=canaries_told.WORDS,
        help_text="`silent`: it does not answer, two turns in a row failed; `retired`: its runtime is.",
    )
    sentence = serializers.CharField()
    run = serializers.UUIDField(allow_null=True, help_text="The newest run.")
    run_state = serializers.CharField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it is asked next.")
    reference = serializers.UUIDField(
        allow_null=True, help_text="The evaluation that others are held against."
    )
    evaluation = serializers.UUIDField(allow_null=True, help_text="The newest that was looked at.")
    look = serializers.IntegerField(help_text="Evaluations held against the reference so far.")
    e = serializers.CharField(
        allow_null=True, help_text="E-value of all of them, as decimal text; 1/alpha raises an alarm."
    )
    reason = serializers.CharField(allow_null=True, help_text="Why it was ended.")


class CanaryAlarmOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    canary = serializers.UUIDField(source="canary_id")
    runtime = serializers.CharField(source="canary.runtime.slug")
    reference = serializers.UUIDField(source="reference_id", help_text="The evaluation that was expected.")
    evaluation = serializers.UUIDField(source="evaluation_id", help_text="The one that differs.")
    look = serializers.IntegerField()
    e = serializers.CharField(help_text="E-value of all looks, as decimal text.")
    tasks = serializers.ListField(child=ObjectField(), help_text="{task, n, lost, won, e}, of this look.")
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=CANARY_ALARM_STATES)
    closed_by = serializers.CharField(allow_blank=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class CanaryFilter(Strict):
    runtime = serializers.CharField(required=False, max_length=80)
    state = serializers.ChoiceField(choices=CANARY_STATES, required=False)


class CanaryAlarmFilter(Strict):
    runtime = serializers.CharField(required=False, max_length=80)
    state = serializers.ChoiceField(choices=CANARY_ALARM_STATES, required=False)


class CanaryDoor(Door):
    serializer_class = CanaryOut

    def told(self, canary: Canary) -> dict[str, Any]:
        return dict(CanaryOut(canaries_told.record(canaries_told.listed(pk=canary.pk).get())).data)


class CanaryList(CanaryDoor):
    does = {"POST": canaries.MANAGE}
    filters = CanaryFilter
    order = ("-at", "id")

    def touches(self) -> list[str]:
        return [
            artifact_of(kind, self.given(field))
            for field, kind in (("model", "model"), ("suite", "eval-suite"))
        ]

    @extend_schema(operation_id="canaries_list", parameters=[CanaryFilter], responses=CanaryOut(many=True))
    def get(self, request: Request) -> Response:
        """Suites that are asked of an endpoint again and again, and how each of them is; newest first."""
        wanted = self.query()
        if slug := wanted.pop("runtime", None):
            wanted["runtime__slug"] = slug
        page = self.paginate_queryset(canaries_told.listed(**wanted)) or []
        rows = [canaries_told.record(one) for one in page]
        return self.get_paginated_response(CanaryOut(rows, many=True).data)

    @extend_schema(operation_id="canaries_set", request=CanaryIn, responses={201: CanaryOut})
    def post(self, request: Request) -> Response:
        """Ask a suite of an endpoint every so many hours. Answers that change without a release raise an alarm."""
        given = self.body(CanaryIn)
        made = canaries.set_canary(
            serving_found.runtime(given["runtime"]),
            named(self.person, "model", given["model"]),
            named(self.person, "eval-suite", given["suite"]),
            every_hours=given["every_hours"],
            alpha=canaries.alpha_of(f"{given['alpha']:f}"),
            actor=self.actor,
        )
        where = reverse("api:canary", args=(made.pk,), request=request)
        return Response(self.told(made), status=status.HTTP_201_CREATED, headers={"Location": where})


class CanaryOne(CanaryDoor):
    @extend_schema(operation_id="canaries_get")
    def get(self, request: Request, id: str) -> Response:
        """One canary: when it is asked, what it is held against, and what came of it so far."""
        self.query()
        return Response(self.told(canaries.find(id)))


class CanaryEnd(CanaryDoor):
    does = {"POST": canaries.MANAGE}

    def touches(self) -> list[str]:
        found = canaries.find(self.kwargs["id"])
        return [found.model.artifact.name, found.suite.artifact.name]

    @extend_schema(operation_id="canaries_end", request=ReasonIn, responses=CanaryOut)
    def post(self, request: Request, id: str) -> Response:
        """Ask it no more, with the reason."""
        reason = self.body(ReasonIn)["reason"]
        return Response(self.told(canaries.end(canaries.find(id), reason=reason, actor=self.actor)))


class CanaryAlarms(Door):
    filters = CanaryAlarmFilter
    order = ("-at", "id")
    serializer_class = CanaryAlarmOut

    @extend_schema(
        operation_id="canary_alarms_list",
        parameters=[CanaryAlarmFilter],
        responses=CanaryAlarmOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """Alarms about answers that changed without a release, newest first."""
        wanted = self.query()
        if slug := wanted.pop("runtime", None):
            wanted["canary__runtime__slug"] = slug
        return self.paged(CanaryAlarm.objects.select_related("canary__runtime").filter(**wanted))


class CanaryAlarmClose(Door):
    does = {"POST": canaries.CLOSE}
    serializer_class = CanaryAlarmOut

    @extend_schema(operation_id="canary_alarms_close", request=ReasonIn, responses=CanaryAlarmOut)
    def post(self, request: Request, id: str) -> Response:
        """Close an alarm, with what became of it. The next evaluation is what later ones are held against."""
        reason = self.body(ReasonIn)["reason"]
        alarm = canaries.close(canaries.find_alarm(self.kwargs["id"]), reason=reason, actor=self.actor)
        return Response(CanaryAlarmOut(alarm).data)


urlpatterns: list[URLPattern] = [
    path("canaries/", CanaryList.as_view(), name="canaries"),
    path("canaries/<uuid:id>/", CanaryOne.as_view(), name="canary"),
    path("canaries/<uuid:id>/end/", CanaryEnd.as_view(), name="canary-end"),
    path("canary-alarms/", CanaryAlarms.as_view(), name="canary-alarms"),
    path("canary-alarms/<uuid:id>/close/", CanaryAlarmClose.as_view(), name="canary-alarm-close"),
]
