"""Uses of suites and anchors of models over HTTP: what was looked at for which decision, and what models are held against."""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evals import lines, regression, uses
from evals.models import SuiteUse
from evals.records import artifact_of, named
from evals.regression_words import headline, sentences
from evals.statistics.chains import Held, together
from governance.api.base import Door, Strict
from governance.api.serializers import ObjectField


class SuiteFilter(Strict):
    suite = serializers.CharField(max_length=200, help_text="eval-suite:slug[@number]")


class UseFilter(SuiteFilter):
    purpose = serializers.ChoiceField(choices=SuiteUse.PURPOSES, required=False)


class ModelFilter(Strict):
    model = serializers.CharField(
        max_length=200, help_text="model:slug[@number]; without a number the newest sealed one."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A learning rate chosen by its scores",
            value={
                "suite": "eval-suite:household@1",
                "purpose": "recipe",
                "served": "model:demo-assistant@2",
                "reason": "Chose the learning rate by its sums.",
            },
        )
    ]
)
class UseIn(Strict):
    suite = serializers.CharField(max_length=200, help_text="eval-suite:slug[@number]")
    purpose = serializers.ChoiceField(
        choices=uses.BY_HAND, help_text="After data, recipe and snapshot the suite counts as dev."
    )
    served = serializers.CharField(
        max_length=uses.MAX_SERVED, help_text="The version, run or gate that it served."
    )
    reason = serializers.CharField(max_length=uses.MAX_REASON)


class UseOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    suite = serializers.CharField(source="suite.subject")
    purpose = serializers.ChoiceField(choices=SuiteUse.PURPOSES)
    served = serializers.CharField()
    reason = serializers.CharField()
    automatic = serializers.BooleanField(help_text="Whether Charter saw it, rather than a person saying so.")
    by = serializers.CharField()
    at = serializers.DateTimeField()


class StatusOut(serializers.Serializer[Any]):
    suite = serializers.CharField()
    status = serializers.CharField(
        allow_null=True, help_text="What it counts as now: `dev`, `unseen` or `private`; null once erased."
    )
    sealed_as = serializers.CharField(allow_null=True)
    choosing_uses = serializers.IntegerField(
        help_text="Data, recipe and snapshot decisions that looked at it."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "The first release",
            value={"model": "model:demo-assistant@1", "reason": "The first release that people used."},
        )
    ]
)
class AnchorIn(Strict):
    model = serializers.CharField(max_length=200, help_text="model:slug@number")
    reason = serializers.CharField(max_length=uses.MAX_REASON)


class AnchorOut(serializers.Serializer[Any]):
    line = serializers.CharField(source="artifact.name")
    anchor = serializers.CharField(source="version.subject")
    reason = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()
    revision = serializers.IntegerField(source="ledger_rev", help_text="More than 1 where it was changed.")


class RegressionOut(serializers.Serializer[Any]):
    model = serializers.CharField()
    held = serializers.ChoiceField(choices=[str(word) for word in Held])
    answer = serializers.CharField(help_text="One sentence over all suites.")
    anchor = AnchorOut(allow_null=True)
    suites = serializers.ListField(
        child=ObjectField(),
        help_text="The newest answer on each suite: `sides[]` against the anchor and the predecessor, each with its `tasks[]`, "
        "and `sentences[]` in plain words.",
    )


class UseList(Door):
    does = {"POST": uses.ACTION}
    filters = UseFilter
    order = ("-ledger_head__id",)
    serializer_class = UseOut

    @extend_schema(operation_id="suite_uses_list", parameters=[UseFilter], responses=UseOut(many=True))
    def get(self, request: Request) -> Response:
        """All recorded looks at a suite for a decision, newest first."""
        wanted = self.query()
        suite = named(self.person, uses.SUITE, wanted.pop("suite"))
        return self.paged(uses.of_suite(suite).select_related("suite__artifact").filter(**wanted))

    def touches(self) -> list[str]:
        return [artifact_of(uses.SUITE, self.given("suite"))]

    @extend_schema(operation_id="suite_uses_record", request=UseIn, responses={201: UseOut})
    def post(self, request: Request) -> Response:
        """Say that a suite was looked at for a decision. What gates read is recorded by itself."""
        given = self.body(UseIn)
        suite = named(self.person, uses.SUITE, given.pop("suite"))
        return Response(UseOut(uses.record(suite, **given, actor=self.actor)).data, status=201)


class SuiteStatus(Door):
    filters = SuiteFilter
    serializer_class = StatusOut

    @extend_schema(operation_id="suite_uses_status", parameters=[SuiteFilter])
    def get(self, request: Request) -> Response:
        """What a suite counts as after its uses: `dev` from the first decision on that chose something by it."""
        suite = named(self.person, uses.SUITE, self.query()["suite"])
        status = uses.status_of(suite)
        told = {
            "suite": suite.subject,
            "status": status.now,
            "sealed_as": status.sealed_as,
            "choosing_uses": status.choosing,
        }
        return Response(StatusOut(told).data)


class AnchorOne(Door):
    does = {"POST": lines.ACTION}
    serializer_class = AnchorOut

    def touches(self) -> list[str]:
        return [artifact_of(lines.KIND, self.given("model"))]

    @extend_schema(operation_id="anchors_set", request=AnchorIn, responses={201: AnchorOut})
    def post(self, request: Request) -> Response:
        """Make a version the anchor of its model. Another one before is replaced, and stays in the ledger."""
        given = self.body(AnchorIn)
        model = named(self.person, lines.KIND, given["model"])
        anchor = lines.set_anchor(model, reason=given["reason"], actor=self.actor)
        return Response(AnchorOut(anchor).data, status=201)


class Regression(Door):
    filters = ModelFilter
    serializer_class = RegressionOut

    @extend_schema(operation_id="regression_get", parameters=[ModelFilter])
    def get(self, request: Request) -> Response:
        """Did this version get worse, at what, and how sure is that? As it was recorded when its evaluations ended."""
        model = named(self.person, lines.KIND, self.query()["model"])
        answers = regression.newest(model)
        told = {
            "model": model.subject,
            "held": str(together(Held(answer["held"]) for answer in answers)),
            "answer": headline(answers),
            "anchor": lines.anchor_of(model.artifact),
            "suites": [{**answer, "sentences": sentences(answer)} for answer in answers],
        }
        return Response(RegressionOut(told).data)


urlpatterns: list[URLPattern] = [
    path("suite-uses/", UseList.as_view(), name="suite-uses"),
    path("suite-uses/status/", SuiteStatus.as_view(), name="suite-status"),
    path("anchors/", AnchorOne.as_view(), name="anchors"),
    path("regression/", Regression.as_view(), name="regression"),
]
