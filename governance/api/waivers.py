"""Waivers of gate rules: proposed by one person, granted or declined by another."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api.base import Door, Strict
from governance.api.caching import tagged
from governance.registry import lookup
from governance.registry.access import require_read
from governance.releases import waivers
from governance.releases.models import Waiver
from governance.releases.waivers import GRANT, PROPOSE, WITHDRAW

Decision = Callable[..., Waiver]


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "For a month",
            value={
                "release": "release:demo-assistant@1",
                "rule": "rows-counted",
                "reason": "The set is too large to count before Friday; the count follows.",
                "expires_at": "2026-03-31T00:00:00Z",
            },
        )
    ]
)
class WaiverIn(Strict):
    release = serializers.CharField(max_length=120, help_text="As kind:slug@number.")
    rule = serializers.CharField(max_length=200, help_text="Id of the rule that the gate stopped at.")
    reason = serializers.CharField(max_length=waivers.MAX_REASON)
    expires_at = serializers.DateTimeField(help_text="At most `CHARTER_WAIVER_DAYS` ahead.")


@extend_schema_serializer(
    examples=[OpenApiExample("Why", value={"reason": "The count is known to be above 10,000."})]
)
class WaiverDecisionIn(Strict):
    reason = serializers.CharField(max_length=waivers.MAX_REASON)


class WaiverFilter(Strict):
    release = serializers.CharField(required=False, max_length=120, help_text="As kind:slug@number.")
    state = serializers.ChoiceField(choices=Waiver.STATES, required=False)


class WaiverOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    release = serializers.CharField(source="version.subject")
    digest = serializers.CharField(help_text="Of the release; another digest needs another waiver.")
    rule = serializers.CharField()
    policy = serializers.CharField()
    policy_digest = serializers.CharField()
    reason = serializers.CharField()
    state = serializers.ChoiceField(choices=Waiver.STATES)
    proposed_by = serializers.CharField()
    proposed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    granted_by = serializers.CharField(allow_blank=True)
    granted_at = serializers.DateTimeField(allow_null=True)
    grant_reason = serializers.CharField(allow_blank=True)
    ended_by = serializers.CharField(allow_blank=True, help_text="Who declined or withdrew it.")
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField(allow_blank=True)


def _rows() -> QuerySet[Waiver]:
    return Waiver.objects.select_related("version__artifact")


class WaiverList(Door):
    does = {"POST": PROPOSE}
    filters = WaiverFilter
    order = ("-proposed_at", "id")
    serializer_class = WaiverOut

    def touches(self) -> Iterable[str]:
        return [self.given("release").partition("@")[0]]

    @extend_schema(operation_id="waivers_list", parameters=[WaiverFilter], responses=WaiverOut(many=True))
    def get(self, request: Request) -> Response:
        """Waivers of gate rules, newest first."""
        wanted = self.query()
        if named := wanted.pop("release", None):
            wanted["version"] = lookup.find(named)
        return self.paged(_rows().filter(**wanted))

    @extend_schema(operation_id="waivers_propose", request=WaiverIn, responses={201: WaiverOut})
    def post(self, request: Request) -> Response:
        """Propose that a rule which stopped a release's gate shall not do so, for a time. Somebody else must grant it."""
        given = self.body(WaiverIn)
        version = lookup.find(given.pop("release"), drafts=True)
        require_read(self.person, version)
        made = waivers.propose(version, given.pop("rule"), **given, actor=self.actor)
        where = reverse("api:waiver", args=(made.pk,), request=request)
        return Response(WaiverOut(made).data, status=status.HTTP_201_CREATED, headers={"Location": where})


class WaiverDoor(Door):
    """One waiver, found by the id in the address."""

    serializer_class = WaiverOut

    def found(self) -> Waiver:
        """Raises NotFound."""
        one = _rows().filter(pk=self.kwargs["id"]).first()
        if one is None:
            raise lookup.NotFound(f"There is no waiver {self.kwargs['id']}.")
        return one

    def touches(self) -> Iterable[str]:
        return [self.found().version.artifact.name]

    def decided(self, decide: Decision) -> Response:
        given = self.body(WaiverDecisionIn)
        one = self.found()
        require_read(self.person, one.version)
        return Response(WaiverOut(decide(one, reason=given["reason"], actor=self.actor)).data)


class WaiverOne(WaiverDoor):
    @extend_schema(operation_id="waivers_get")
    def get(self, request: Request, **_: str) -> Any:
        """One waiver: for which release and rule, who proposed it, who decided, until when it holds."""
        self.query()
        one = self.found()
        return tagged(Response(WaiverOut(one).data), str(one.ledger_rev))


class WaiverGrant(WaiverDoor):
    does = {"POST": GRANT}

    @extend_schema(operation_id="waivers_grant", request=WaiverDecisionIn)
    def post(self, request: Request, **_: str) -> Response:
        """Grant a proposal. Neither who proposed it nor an author of the release can. The gate counts it from its next run on."""
        return self.decided(waivers.grant)


class WaiverDecline(WaiverDoor):
    does = {"POST": GRANT}

    @extend_schema(operation_id="waivers_decline", request=WaiverDecisionIn)
    def post(self, request: Request, **_: str) -> Response:
        """Decline a proposal, with a reason."""
        return self.decided(waivers.decline)


class WaiverWithdraw(WaiverDoor):
    does = {"POST": WITHDRAW}

    @extend_schema(operation_id="waivers_withdraw", request=WaiverDecisionIn)
    def post(self, request: Request, **_: str) -> Response:
        """Take back a proposal or a granted waiver: the rule stops the release again."""
        return self.decided(waivers.withdraw)
