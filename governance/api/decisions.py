"""The decisions register over HTTP: every decision as the ledger has it, and how the decisions are spread."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.base import Door, Strict
from governance.cards import objections
from governance.reviews import decisions, decisions_counted, decisions_found
from governance.reviews.concentration import WEIGHTS
from governance.reviews.decisions_found import BadQuestion

SAYS_NOT = (
    "Few decisions say little. None of this says whether a decision was right, whether who decided had read it, or whether"
    " anybody who is affected was asked."
)


class DecisionOut(serializers.Serializer[Any]):
    entry = serializers.IntegerField(
        allow_null=True, help_text="Leaf index; null until the entry has its place."
    )
    at = serializers.CharField(help_text="UTC.")
    op = serializers.CharField()
    decision = serializers.CharField()
    impact = serializers.CharField(help_text="Impact class: low, medium or high.")
    who = serializers.CharField(help_text="Handle of whoever decided.")
    acted_as = serializers.CharField(help_text="person, token, command or system.")
    subject = serializers.CharField(allow_blank=True)
    digest = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    consulted = serializers.ListField(
        child=serializers.CharField(), help_text="Who reviewed or commented on it before."
    )
    dissent = serializers.ListField(
        child=serializers.CharField(), help_text="Who refused it or dissented before."
    )


class DecisionFilter(Strict):
    person = serializers.CharField(required=False, max_length=80, help_text="Handle.")
    decision = serializers.CharField(
        required=False, max_length=40, help_text="Name of a decision, such as approval."
    )
    subject = serializers.CharField(
        required=False, max_length=200, help_text="kind:slug or kind:slug@number."
    )
    since = serializers.DateField(required=False, help_text="First day.")
    until = serializers.DateField(required=False, help_text="Last day.")


class Days(Strict):
    since = serializers.DateField(required=False, help_text="First day of the decisions that R7.1 counts.")
    until = serializers.DateField(required=False, help_text="Last day.")


class ShareOut(serializers.Serializer[Any]):
    who = serializers.CharField()
    share = serializers.CharField()
    decisions = serializers.IntegerField()


class AuthorityOut(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    eligible = serializers.IntegerField(help_text="Active accounts that may take some kind of decision.")
    shares = ShareOut(many=True)
    hhi = serializers.CharField(allow_null=True, help_text="Sum of the squared shares.")
    effective = serializers.CharField(allow_null=True, help_text="1 / HHI.")


class DutiesOut(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    alone = serializers.IntegerField()
    share = serializers.CharField(allow_null=True)


class ContestedOut(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    open = serializers.IntegerField()
    answered = serializers.IntegerField()
    median_days = serializers.CharField(allow_null=True)
    changed = serializers.IntegerField()
    share_changed = serializers.CharField(allow_null=True)
    dissent = serializers.IntegerField()


class FiguresOut(serializers.Serializer[Any]):
    authority = AuthorityOut(help_text="R7.1.")
    duties = DutiesOut(help_text="R7.2.")
    contested = ContestedOut(help_text="R7.8.")
    weights = serializers.DictField(child=serializers.IntegerField(), help_text="Impact class → weight.")
    most = serializers.IntegerField(help_text="How many of the newest each figure counts at most.")
    says_not = serializers.CharField()


class DecisionList(Door):
    filters = DecisionFilter
    order = ("-id",)
    serializer_class = DecisionOut

    @extend_schema(
        operation_id="decisions_list", parameters=[DecisionFilter], responses=DecisionOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """Who decided what, newest first; each row is an entry of the ledger."""
        rows = self.paginate_queryset(asked(lambda: decisions_found.found(**self.query())))
        told = [row.plain() for row in decisions.rows(rows or [])]
        return self.get_paginated_response(DecisionOut(told, many=True).data)


class DecisionFigures(Door):
    filters = Days
    serializer_class = FiguresOut

    @extend_schema(operation_id="decisions_figures", parameters=[Days])
    def get(self, request: Request) -> Response:
        """R7.1, R7.2 and R7.8: how decisions are spread, and whether anybody is heard against them."""
        found = asked(lambda: decisions_found.found(**self.query()))
        figures = {
            "authority": decisions_counted.authority(found).plain(),
            "duties": asdict(decisions_counted.duties()),
            "contested": asdict(objections.contested()),
            "weights": dict(WEIGHTS),
            "most": decisions_counted.MOST,
            "says_not": SAYS_NOT,
        }
        return Response(FiguresOut(figures).data)


def asked(find: Any) -> Any:
    """What is found; a filter that cannot be asked becomes a ValidationError of its field."""
    try:
        return find()
    except BadQuestion as error:
        raise serializers.ValidationError({error.field: str(error)}) from error
