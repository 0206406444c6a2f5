"""Contamination searches over HTTP: asked for, told with their figures and their hits."""

from collections.abc import Sequence
from typing import Any, cast

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evals import contamination
from evals.api import EvaluationDetail, EvaluationFilter, EvaluationOut, require_readable
from evals.contamination import CALLED, KIND
from evals.harness.contamination_params import RULES
from evals.records import StoredItems, of_kind, one
from governance.api.base import Door, Strict
from governance.api.caching import tagged
from governance.api.serializers import ObjectField
from governance.registry.lookup import NotFound
from training import actions, touching
from training.api import RunDetail, queued
from training.methods import read
from training.spec import SpecDraft


class SearchFilter(EvaluationFilter):
    subject = serializers.CharField(
        required=False, max_length=200, help_text="Searches in this dataset, or for the items of this suite."
    )


class SearchDetail(EvaluationDetail):
    summary = ObjectField(
        help_text="`rule`, `searches[]` with a dataset and a suite each, `removed[]`, digests of the report and of the hits."
    )


class HitOut(serializers.Serializer[Any]):
    """An item and a row that contaminates it."""

    dataset = serializers.CharField()
    suite = serializers.CharField()
    task = serializers.CharField()
    item = serializers.CharField(help_text="Its name in the suite.")
    row = serializers.IntegerField(help_text="Number of the row in the dataset, from 1.")
    share = serializers.CharField(help_text="Share of the item inside shared runs, as decimal text.")
    span = serializers.CharField(help_text="The longest shared run, shortened.")


class HitsFilter(Strict):
    dataset = serializers.CharField(
        required=False, max_length=200, help_text="Only hits in this dataset, as dataset:slug@number."
    )
    suite = serializers.CharField(
        required=False, max_length=200, help_text="Only items of this suite, as eval-suite:slug@number."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Take out what holds an item of a suite",
            value={"datasets": ["dataset:chats@1"], "suites": ["eval-suite:household@1"], "action": "remove"},
        )
    ]
)
class SearchIn(Strict):
    datasets = serializers.ListField(
        child=serializers.CharField(max_length=200),
        min_length=1,
        max_length=100,
        help_text="dataset:slug[@number]",
    )
    suites = serializers.ListField(
        child=serializers.CharField(max_length=200),
        min_length=1,
        max_length=100,
        help_text="eval-suite:slug[@number]",
    )
    rule = serializers.ChoiceField(choices=sorted(RULES), required=False)
    n = serializers.IntegerField(
        required=False, min_value=2, max_value=1000, help_text="Words, or characters, of a shared run."
    )
    share = serializers.CharField(
        required=False, max_length=20, help_text="Share of an item that must be exceeded, as decimal text."
    )
    set_threshold = serializers.CharField(
        required=False,
        max_length=20,
        help_text="Share of contaminated items that flags a suite, as decimal text.",
    )
    action = serializers.ChoiceField(choices=("mark", "remove"), required=False)


class SearchList(Door):
    does = {"POST": "training:run:launch"}
    filters = SearchFilter
    order = ("-started_at", "id")
    serializer_class = EvaluationOut

    @extend_schema(
        operation_id="contamination_list", parameters=[SearchFilter], responses=EvaluationOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """Contamination searches, newest first."""
        wanted = self.query()
        rows = of_kind(KIND, wanted.pop("subject", None)).defer("summary", "produced")
        return self.paged(rows.filter(**wanted))

    def touches(self) -> list[str]:
        data = self.request.data if isinstance(self.request.data, dict) else {}
        inputs = {name: data.get(name) for name in ("datasets", "suites")}
        return touching.of_order({"stage": KIND, "inputs": inputs})

    @extend_schema(operation_id="contamination_launch", request=SearchIn, responses={201: RunDetail})
    def post(self, request: Request) -> Response:
        """Put a search of datasets for the items of suites in the queue. It is a run; its `activity` is the search."""
        given = self.body(SearchIn)
        order = contamination.order(given.pop("datasets"), given.pop("suites"), **given)
        return queued(self, actions.queue(read(SpecDraft, order), actor=self.actor))


class SearchOne(Door):
    serializer_class = SearchDetail

    @extend_schema(operation_id="contamination_get")
    def get(self, request: Request, id: str) -> HttpResponseBase:
        """One search: by which rule, and what was found for each dataset and suite."""
        self.query()
        found = one(KIND, id, called=CALLED)
        return tagged(Response(SearchDetail(found).data), str(found.ledger_rev))


class SearchHits(Door):
    filters = HitsFilter
    order = ()
    serializer_class = HitOut

    @extend_schema(operation_id="contamination_hits", parameters=[HitsFilter], responses=HitOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        """The listed hits: which row contaminates which item, and how much of it."""
        wanted = self.query()
        found = one(KIND, id, called=CALLED)
        require_readable(self.person, found)
        if "hits_sha256" not in found.summary:
            raise NotFound(f"{found.label} has no hits: it is {found.state}.")
        rows = StoredItems(
            str(found.summary["hits_sha256"]),
            lambda hit: all(hit[name] == value for name, value in wanted.items()),
        )
        return self.get_paginated_response(self.paginate_queryset(cast("Sequence[Any]", rows)))


urlpatterns: list[URLPattern] = [
    path("contamination/", SearchList.as_view(), name="contamination-list"),
    path("contamination/<uuid:id>/", SearchOne.as_view(), name="contamination"),
    path("contamination/<uuid:id>/hits/", SearchHits.as_view(), name="contamination-hits"),
]
