"""Runs over HTTP: launch a spec or a recipe, watch, cancel, retry; and the stages that there are."""

from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, re_path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api import problems
from governance.api.base import Door, Strict
from governance.api.caching import tag_of, tagged
from governance.api.pagination import LARGEST_PLACE
from governance.api.serializers import NamedEdge, ObjectField
from governance.registry.access import require_read
from governance.registry.lookup import NotFound, find
from training import actions, recipes, stages, states, touching
from training.methods import BadParams, read
from training.models import MetricRow, Run, RunEvent
from training.resolve import SpecRefused
from training.spec import SpecDraft


class RunFilter(Strict):
    state = serializers.ChoiceField(choices=states.STATES, required=False)
    stage = serializers.CharField(required=False, max_length=40)
    recipe = serializers.CharField(
        required=False, max_length=200, help_text="Runs of this recipe, as recipe:slug[@number]."
    )


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


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Supervised fine-tuning",
            value={
                "stage": "sft",
                "inputs": {"init_from": ["model:base"], "trained_on": ["dataset:chats@1"]},
                "params": {"learning_rate": 0.0005, "max_steps": 80},
                "seed": 7,
                "output": {"slug": "tuned", "title": "Tuned"},
            },
        )
    ]
)
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


class LinesFilter(Strict):
    after = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=LARGEST_PLACE,
        help_text="Only lines behind the one with this number: how to ask again what is new.",
    )


class EventFilter(LinesFilter):
    name = serializers.CharField(required=False, max_length=40)


class RoleOut(serializers.Serializer[Any]):
    role = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField())
    required = serializers.BooleanField()  # type: ignore[assignment]
    many = serializers.BooleanField()  # type: ignore[assignment]


class StageOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    roles = serializers.SerializerMethodField()
    makes_version = serializers.BooleanField(
        source="has_output", help_text="Whether `output` must say what the run makes."
    )
    params = serializers.SerializerMethodField(help_text="JSON schema of the parameters.")

    @extend_schema_field(RoleOut(many=True))
    def get_roles(self, stage: stages.StageKind) -> Any:
        rows = [{"role": name, **vars(role)} for name, role in stage.roles.items()]
        return RoleOut(rows, many=True).data

    def get_params(self, stage: stages.StageKind) -> dict[str, Any]:
        schema: dict[str, Any] = stage.params.model_json_schema()
        return schema


class StageList(Door):
    order = ()
    serializer_class = StageOut

    @extend_schema(operation_id="stages_list", responses=StageOut(many=True))
    def get(self, request: Request) -> Response:
        """What a run can do: stages with their roles, and the JSON schema of their parameters."""
        self.query()
        return self.paged(stages.known())


class RunList(Door):
    does = {"POST": "training:run:launch"}
    filters = RunFilter
    order = ("-created_at", "id")
    serializer_class = RunOut

    @extend_schema(operation_id="runs_list", parameters=[RunFilter], responses=RunOut(many=True))
    def get(self, request: Request) -> Response:
        """Runs, newest first."""
        wanted = self.query()
        rows = Run.objects.select_related("recipe__artifact").defer("spec", "recipe__content")
        if subject := wanted.pop("recipe", None):
            wanted["recipe"] = find(subject)
        return self.paged(rows.filter(**wanted))

    def touches(self) -> list[str]:
        return touching.of_order(self.request.data)

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


class RecipeLaunch(Door):
    does = {"POST": "training:run:launch"}
    serializer_class = RunDetail

    def touches(self) -> list[str]:
        recipe = find("recipe:{slug}@{number}".format(**self.kwargs))
        return [recipe.artifact.name, *touching.of_recipe(recipes.content_of(recipe))]

    @extend_schema(operation_id="recipes_launch", request=None, responses={201: RunDetail})
    def post(self, request: Request, slug: str, number: str) -> Response:
        """Check every stage of a sealed recipe, and queue the first; the success of each queues the next."""
        self.body()
        recipe = find(f"recipe:{slug}@{number}")
        require_read(self.person, recipe)
        return queued(self, recipes.start(recipe, actor=self.actor))


class RunDoor(Door):
    """One run, found by the id in the address."""

    serializer_class: type[serializers.Serializer[Any]] = RunDetail

    def found(self) -> Run:
        """The run. Raises NotFound."""
        run = Run.objects.select_related("recipe__artifact", "activity").filter(pk=self.kwargs["id"]).first()
        if run is None:
            raise NotFound(f"There is no run {self.kwargs['id']}.")
        return run

    def touches(self) -> list[str]:
        return touching.of_run(self.found())


class RunOne(RunDoor):
    @extend_schema(operation_id="runs_get")
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """One run: what was asked for, how far it is, what it made."""
        self.query()
        shown = RunDetail(self.found()).data
        return tagged(Response(shown), tag_of(shown))


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


class LinesDoor(RunDoor):
    """Lines of a run's file, in their order."""

    filters = LinesFilter
    order = ("seq",)

    def wanted(self) -> dict[str, Any]:
        given = self.query()
        after = given.pop("after", None)
        return {"run": self.found(), **given, **({} if after is None else {"seq__gt": after})}


class RunMetrics(LinesDoor):
    serializer_class = MetricOut

    @extend_schema(operation_id="runs_metrics", parameters=[LinesFilter], responses=MetricOut(many=True))
    def get(self, request: Request, **_: Any) -> Response:
        """The measured values, line by line. After a resume the later line of a step counts."""
        return self.paged(MetricRow.objects.filter(**self.wanted()))


class RunEvents(LinesDoor):
    filters = EventFilter
    serializer_class = EventOut

    @extend_schema(operation_id="runs_events", parameters=[EventFilter], responses=EventOut(many=True))
    def get(self, request: Request, **_: Any) -> Response:
        """What the job told, line by line."""
        return self.paged(RunEvent.objects.filter(**self.wanted()))


def complaint(sentence: str) -> problems.Fault:
    """(field, rule) of a sentence that begins with its field."""
    field, _, rule = sentence.partition(": ")
    return (field, rule) if rule and " " not in field else ("", sentence)


problems.register(SpecRefused, lambda error: (422, "spec-refused", [complaint(str(error))]))
problems.register(
    BadParams, lambda error: (422, "spec-refused", [complaint(one) for one in error.complaints])
)

urlpatterns: list[URLPattern] = [
    path("stages/", StageList.as_view(), name="stages"),
    re_path(
        r"^recipes/(?P<slug>[A-Za-z0-9._-]{1,80})/(?P<number>[0-9]{1,9})/launch/$",
        RecipeLaunch.as_view(),
        name="recipe-launch",
    ),
    path("runs/", RunList.as_view(), name="runs"),
    path("runs/<uuid:id>/", RunOne.as_view(), name="run"),
    path("runs/<uuid:id>/cancel/", RunCancel.as_view(), name="run-cancel"),
    path("runs/<uuid:id>/retry/", RunRetry.as_view(), name="run-retry"),
    path("runs/<uuid:id>/metrics/", RunMetrics.as_view(), name="run-metrics"),
    path("runs/<uuid:id>/events/", RunEvents.as_view(), name="run-events"),
]
