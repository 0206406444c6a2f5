"""Runs over HTTP: launch, watch, cancel, retry."""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api import problems
from governance.api.base import Door, Strict
from governance.api.pagination import Lines
from governance.api.serializers import NamedEdge, ObjectField
from governance.registry.lookup import NotFound
from training import actions, states
from training.methods import BadParams, read
from training.models import MetricRow, Run, RunEvent
from training.resolve import SpecRefused
from training.spec import SpecDraft


class RunFilter(Strict):
    state = serializers.ChoiceField(choices=states.STATES, required=False)
    stage = serializers.CharField(required=False, max_length=40)


class RunOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]
    stage = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField(allow_blank=True, help_text="Why it ended as it did.")
    failure_class = serializers.CharField(allow_blank=True)
    recipe = serializers.CharField(source="recipe.subject", allow_null=True, default=None)
    stage_name = serializers.CharField(allow_blank=True, help_text="Name of the recipe's stage.")
    after = serializers.UUIDField(source="after_id", allow_null=True)
    retry_of = serializers.UUIDField(source="retry_of_id", allow_null=True)
    requested_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class RunDetail(RunOut):
    spec = ObjectField(help_text="The frozen order: every input by digest, every parameter with its value.")
    spec_digest = serializers.CharField()
    progress = ObjectField(allow_null=True, help_text="The newest {done, total, unit} of the job.")
    activity = serializers.UUIDField(source="activity_id", allow_null=True)
    produced = NamedEdge(many=True, source="activity.produced", default=list)


class SpecIn(serializers.Serializer[Any]):
    """A spec as in a file for `manage.py launch`; checked by the stage itself."""

    stage = serializers.CharField(help_text="Stage kind, such as sft.")
    inputs = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Role → versions as kind:slug[@number].",
    )
    params = ObjectField(required=False)
    seed = serializers.IntegerField(required=False, min_value=0)
    output = ObjectField(required=False, help_text="{slug, title} of what the run makes.")
    launcher = serializers.CharField(required=False)
    limits = ObjectField(required=False)


class MetricOut(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    step = serializers.IntegerField()
    at = serializers.DateTimeField()
    values = ObjectField(help_text="Name → number as decimal text.")


class EventOut(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    name = serializers.CharField()
    data = ObjectField()  # type: ignore[assignment]


class EventFilter(Strict):
    name = serializers.CharField(required=False, max_length=40)


class RunList(Door):
    does = {"POST": "training:run:launch"}
    filters = RunFilter
    serializer_class = RunOut

    @extend_schema(operation_id="runs_list", parameters=[RunFilter], responses=RunOut(many=True))
    def get(self, request: Request) -> Response:
        """Runs, newest first."""
        rows = Run.objects.select_related("recipe__artifact").defer("spec", "recipe__content")
        return self.paged(rows.filter(**self.query()))

    @extend_schema(operation_id="runs_launch", request=SpecIn, responses={201: RunDetail})
    def post(self, request: Request) -> Response:
        """Pin every input of a spec and put the run in the queue."""
        if not isinstance(request.data, dict):
            raise serializers.ValidationError(
                "The body must be an object with stage, inputs, params, seed, output."
            )
        return queued(self, actions.queue(read(SpecDraft, dict(request.data)), actor=self.actor))


def queued(door: Door, run: Run) -> Response:
    place = reverse("api:run", args=(run.pk,), request=door.request)
    return Response(RunDetail(run).data, status=status.HTTP_201_CREATED, headers={"Location": place})


class RunDoor(Door):
    """One run, found by the id in the address."""

    serializer_class: type[serializers.Serializer[Any]] = RunDetail

    def found(self) -> Run:
        """The run. Raises NotFound."""
        run = Run.objects.select_related("recipe__artifact", "activity").filter(pk=self.kwargs["id"]).first()
        if run is None:
            raise NotFound(f"There is no run {self.kwargs['id']}.")
        return run


class RunOne(RunDoor):
    @extend_schema(operation_id="runs_get")
    def get(self, request: Request, **_: Any) -> Response:
        """One run: what was asked for, how far it is, what it made."""
        self.query()
        return Response(RunDetail(self.found()).data)


class RunCancel(RunDoor):
    does = {"POST": "training:run:cancel"}

    @extend_schema(operation_id="runs_cancel", request=None)
    def post(self, request: Request, **_: Any) -> Response:
        """Ask a run to stop; it finishes its step and keeps what it saved."""
        self.body()
        return Response(RunDetail(actions.cancel(self.found(), actor=self.actor)).data)


class RunRetry(RunDoor):
    does = {"POST": "training:run:launch"}

    @extend_schema(operation_id="runs_retry", request=None, responses={201: RunDetail})
    def post(self, request: Request, **_: Any) -> Response:
        """A new run of the same spec, after one that failed or was cancelled."""
        self.body()
        return queued(self, actions.retry(self.found(), actor=self.actor))


class RunMetrics(RunDoor):
    pagination_class = Lines
    serializer_class = MetricOut

    @extend_schema(operation_id="runs_metrics", responses=MetricOut(many=True))
    def get(self, request: Request, **_: Any) -> Response:
        """The measured values, line by line. After a resume the later line of a step counts."""
        self.query()
        return self.paged(MetricRow.objects.filter(run=self.found()))


class RunEvents(RunDoor):
    filters = EventFilter
    pagination_class = Lines
    serializer_class = EventOut

    @extend_schema(operation_id="runs_events", parameters=[EventFilter], responses=EventOut(many=True))
    def get(self, request: Request, **_: Any) -> Response:
        """What the job told, line by line."""
        return self.paged(RunEvent.objects.filter(run=self.found(), **self.query()))


def complaint(sentence: str) -> problems.Fault:
    """(field, rule) of a sentence that begins with its field."""
    field, _, rule = sentence.partition(": ")
    return (field, rule) if rule and " " not in field else ("", sentence)


problems.register(SpecRefused, lambda error: (422, "spec-refused", [complaint(str(error))]))
problems.register(
    BadParams, lambda error: (422, "spec-refused", [complaint(one) for one in error.complaints])
)

urlpatterns: list[URLPattern] = [
    path("runs/", RunList.as_view(), name="runs"),
    path("runs/<uuid:id>/", RunOne.as_view(), name="run"),
    path("runs/<uuid:id>/cancel/", RunCancel.as_view(), name="run-cancel"),
    path("runs/<uuid:id>/retry/", RunRetry.as_view(), name="run-retry"),
    path("runs/<uuid:id>/metrics/", RunMetrics.as_view(), name="run-metrics"),
    path("runs/<uuid:id>/events/", RunEvents.as_view(), name="run-events"),
]
