"""Evaluations over HTTP: measured, told with their items, and two of them compared item by item."""

from collections.abc import Sequence
from typing import Any, cast

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evals.compare import NotLikeForLike
from evals.comparison import compare_evaluations
from evals.harness.params import MOST_SAMPLES
from evals.items import ASKABLE, items_of
from evals.records import KIND, artifact_of, of_kind, one
from evals.sampled_items import Shortened
from evals.stage import EVALUATED, EVALUATED_ON, STAGE
from governance.api import problems
from governance.api.base import Door, Strict
from governance.api.caching import tagged
from governance.api.serializers import NamedEdge, ObjectField
from governance.registry.access import require_read
from governance.registry.lookup import NotFound
from governance.registry.models import Activity, Version
from training import actions
from training.api import RunDetail, queued
from training.methods import read
from training.spec import LARGEST_SEED, SpecDraft

SHOWN_ITEMS = 200
SET_BY_CALLER = ("limit", "batch_size", "samples", "temperature", "max_new_tokens", "letters")


class EvaluationFilter(Strict):
    state = serializers.ChoiceField(
        choices=(Activity.STARTED, Activity.ENDED, Activity.FAILED, Activity.CANCELLED), required=False
    )
    subject = serializers.CharField(
        required=False, max_length=200, help_text="Evaluations of this model, or with this suite."
    )


class PairFilter(Strict):
    a = serializers.UUIDField(help_text="The candidate.")
    b = serializers.UUIDField(help_text="What it is held against.")


class EvaluationOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.CharField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField()
    used = NamedEdge(many=True)


class EvaluationDetail(EvaluationOut):
    summary = ObjectField(
        help_text="`results[]` with scores and intervals as decimal text, seed, harness, digests of the items."
    )


class SampleOut(serializers.Serializer[Any]):
    response = serializers.CharField()
    score = serializers.CharField(help_text="As decimal text.")
    flags = serializers.ListField(child=serializers.CharField())
    answer = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="What counts in a vote; null of a response without an answer.",
    )


class ItemOut(serializers.Serializer[Any]):
    """One item as the harness kept it; null is what imported files do not tell."""

    task = serializers.CharField()
    item = serializers.CharField(help_text="Its name in the suite.")
    item_hash = serializers.CharField(allow_null=True)
    prompt_hash = serializers.CharField(allow_null=True)
    target = serializers.CharField(allow_null=True)
    filter = serializers.CharField(
        allow_null=True, help_text="What turned the response into what was scored."
    )
    response = serializers.CharField(allow_null=True)
    score = serializers.CharField(help_text="As decimal text.")
    flags = serializers.ListField(child=serializers.CharField())
    cluster = serializers.CharField(
        required=False,
        help_text="Items with the same one belong together, such as a question asked in two ways.",
    )
    n_samples = serializers.IntegerField(
        required=False, help_text="Responses to it, where there are several; `score` is their mean."
    )
    samples = SampleOut(many=True, required=False, help_text="The first of them, their texts shortened.")


class ComparisonOut(serializers.Serializer[Any]):
    a = EvaluationOut()
    b = EvaluationOut()
    tasks = serializers.ListField(
        child=ObjectField(),
        help_text="A task each: difference, interval, verdict, and the items that differ. `p_holm`: `p` corrected for all "
        "tasks, for claims of improvement; `detectable`: the true difference that so many items find 4 times in 5.",
    )
    warnings = serializers.ListField(child=serializers.CharField())
    scope = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A trial on ten items a task",
            value={"model": "model:tuned", "suite": "eval-suite:household@1", "limit": 10},
        )
    ]
)
class EvaluationIn(Strict):
    model = serializers.CharField(max_length=200, help_text="model:slug[@number]")
    suite = serializers.CharField(max_length=200, help_text="eval-suite:slug[@number]")
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=10**6, help_text="Only the first so many items of each task."
    )
    batch_size = serializers.IntegerField(required=False, min_value=1, max_value=4096)
    samples = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_SAMPLES, help_text="Responses to each item."
    )
    temperature = serializers.DecimalField(
        required=False, max_digits=10, decimal_places=8, min_value=0, max_value=2,
        help_text="0 takes the likeliest token; above it responses are drawn, which `samples` needs.",
    )  # fmt: skip
    max_new_tokens = serializers.IntegerField(
        required=False, min_value=1, max_value=32_768,
        help_text="Longest response in tokens, in place of what the suite's tasks say.",
    )  # fmt: skip
    letters = serializers.BooleanField(
        required=False, help_text="Ask multiple choice for the letter of the choice."
    )
    seed = serializers.IntegerField(default=0, min_value=0, max_value=LARGEST_SEED)


class ItemsFilter(Strict):
    task = serializers.CharField(required=False, max_length=200)
    only = serializers.ChoiceField(
        choices=ASKABLE, required=False, help_text="`changed` from the evaluation `against`."
    )
    against = serializers.UUIDField(required=False, help_text="Another evaluation on the same suite.")


class EvaluationList(Door):
    does = {"POST": "training:run:launch"}
    filters = EvaluationFilter
    order = ("-started_at", "id")
    serializer_class = EvaluationOut

    @extend_schema(
        operation_id="evaluations_list", parameters=[EvaluationFilter], responses=EvaluationOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """Evaluations, newest first."""
        wanted = self.query()
        rows = of_kind(KIND, wanted.pop("subject", None)).defer("summary", "produced")
        return self.paged(rows.filter(**wanted))

    def touches(self) -> list[str]:
        return [
            artifact_of(name, self.given(field))
            for field, name in (("model", "model"), ("suite", "eval-suite"))
        ]

    @extend_schema(operation_id="evaluations_launch", request=EvaluationIn, responses={201: RunDetail})
    def post(self, request: Request) -> Response:
        """Put an evaluation of a model on a suite in the queue. It is a run; once it ended, its `activity` is the evaluation."""
        given = self.body(EvaluationIn)
        order = {
            "stage": STAGE.name,
            "inputs": {EVALUATED: [given["model"]], EVALUATED_ON: [given["suite"]]},
            "params": {name: given[name] for name in SET_BY_CALLER if name in given},
            "seed": given["seed"],
        }
        return queued(self, actions.queue(read(SpecDraft, order), actor=self.actor))


class EvaluationOne(Door):
    serializer_class = EvaluationDetail

    @extend_schema(operation_id="evaluations_get")
    def get(self, request: Request, id: str) -> HttpResponseBase:
        """One evaluation: what was measured, with which suite, seed and harness."""
        self.query()
        found = one(KIND, id)
        return tagged(Response(EvaluationDetail(found).data), str(found.ledger_rev))


class EvaluationItems(Door):
    filters = ItemsFilter
    order = ()
    serializer_class = ItemOut

    @extend_schema(operation_id="evaluations_items", parameters=[ItemsFilter], responses=ItemOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        """The items that were asked, each with its response and its score, in their order."""
        wanted = self.query()
        found = one(KIND, id)
        against = one(KIND, wanted["against"]) if "against" in wanted else None
        require_readable(self.person, *filter(None, (found, against)))
        rows = items_of(found, wanted.get("task", ""), wanted.get("only", ""), against)
        if rows is None:
            raise NotFound(f"{found.label} kept no items.")
        return self.get_paginated_response(self.paginate_queryset(cast("Sequence[Any]", Shortened(rows))))


class EvaluationCompare(Door):
    filters = PairFilter
    serializer_class = ComparisonOut

    @extend_schema(operation_id="evaluations_compare", parameters=[PairFilter])
    def get(self, request: Request) -> Response:
        """Candidate a against b, paired by item: difference, 95% interval, and a verdict by the margin that the suite fixed."""
        pair = self.query()
        a, b = one(KIND, pair["a"]), one(KIND, pair["b"])
        require_readable(self.person, a, b)
        found = compare_evaluations(a, b).record()
        return Response(
            ComparisonOut(
                {"a": a, "b": b, **found, "tasks": [shortened(task) for task in found["tasks"]]}
            ).data
        )


def require_readable(person: object, *activities: Activity) -> None:
    """Raise PermissionDenied where what was used is restricted: items quote what was asked and answered, hits what was read."""
    used = Version.objects.filter(usages__activity__in=activities, restricted=True)
    for version in used.select_related("artifact"):
        require_read(person, version)


def shortened(task: dict[str, Any]) -> dict[str, Any]:
    """The task with its number of discordant items and the first of them."""
    discordant = task["discordant"]
    return {**task, "discordant_count": len(discordant), "discordant": discordant[:SHOWN_ITEMS]}


def differing(error: NotLikeForLike) -> problems.Answer:
    field = f"{error.task}.{error.field}" if error.task else error.field
    return 409, "not-like-for-like", [(field, str(error))]


problems.register(NotLikeForLike, differing)

urlpatterns: list[URLPattern] = [
    path("evaluations/", EvaluationList.as_view(), name="evaluations"),
    path("evaluations/compare/", EvaluationCompare.as_view(), name="evaluation-compare"),
    path("evaluations/<uuid:id>/", EvaluationOne.as_view(), name="evaluation"),
    path("evaluations/<uuid:id>/items/", EvaluationItems.as_view(), name="evaluation-items"),
]
