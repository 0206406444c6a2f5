"""Evaluations over HTTP: what was measured, and two of them compared item by item."""

from typing import Any
from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evals.compare import NotLikeForLike
from evals.comparison import compare_evaluations
from evals.records import KIND
from governance.api import problems
from governance.api.base import Door, Strict
from governance.api.serializers import NamedEdge, ObjectField
from governance.registry.access import require_read
from governance.registry.lookup import NotFound, find
from governance.registry.models import Activity, Version

SHOWN_ITEMS = 200


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


class ComparisonOut(serializers.Serializer[Any]):
    a = EvaluationOut()
    b = EvaluationOut()
    tasks = serializers.ListField(
        child=ObjectField(),
        help_text="A task each: difference, interval, verdict, and the items that differ.",
    )
    warnings = serializers.ListField(child=serializers.CharField())
    scope = serializers.CharField()


class EvaluationList(Door):
    filters = EvaluationFilter
    serializer_class = EvaluationOut

    @extend_schema(
        operation_id="evaluations_list", parameters=[EvaluationFilter], responses=EvaluationOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """Evaluations, newest first."""
        wanted = self.query()
        rows = Activity.objects.filter(kind=KIND).defer("summary", "produced")
        if subject := wanted.pop("subject", None):
            rows = rows.filter(usages__version=find(subject)).distinct()
        return self.paged(rows.filter(**wanted))


class EvaluationOne(Door):
    serializer_class = EvaluationDetail

    @extend_schema(operation_id="evaluations_get")
    def get(self, request: Request, id: str) -> Response:
        """One evaluation: what was measured, with which suite, seed and harness."""
        self.query()
        return Response(EvaluationDetail(evaluation(id)).data)


class EvaluationCompare(Door):
    filters = PairFilter
    serializer_class = ComparisonOut

    @extend_schema(operation_id="evaluations_compare", parameters=[PairFilter])
    def get(self, request: Request) -> Response:
        """Candidate a against b, paired by item: difference, 95% interval, and a verdict by the margin that the suite fixed."""
        pair = self.query()
        a, b = evaluation(pair["a"]), evaluation(pair["b"])
        for version in Version.objects.filter(usages__activity__in=(a, b), restricted=True).select_related(
            "artifact"
        ):
            # The items that differ quote what a restricted suite asked.
            require_read(self.person, version)
        found = compare_evaluations(a, b).record()
        return Response(
            ComparisonOut(
                {"a": a, "b": b, **found, "tasks": [shortened(task) for task in found["tasks"]]}
            ).data
        )


def evaluation(id: UUID | str) -> Activity:
    """The evaluation with that id. Raises NotFound."""
    found = Activity.objects.filter(pk=id, kind=KIND).first()
    if found is None:
        raise NotFound(f"There is no evaluation {id}.")
    return found


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
]
