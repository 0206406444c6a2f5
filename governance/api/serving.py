"""Runtimes, and the periods in which releases answer there: begun, replaced and ended by release managers."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api import serializers as shapes
from governance.api.base import Door, Strict
from governance.api.permissions import permit
from governance.ledger.decimals import decimal_text
from governance.registry import lookup
from governance.registry.access import require_read
from governance.registry.models import Version
from governance.releases import serving, serving_found, serving_rules
from governance.releases.models import Runtime, ServingPeriod

RUNTIME_KINDS = Runtime.KINDS


@extend_schema_field({"type": ["string", "number"], "description": "A decimal above 0 and at most 1."})
class ShareField(serializers.Field[Any, Any, Any, Any]):
    """A share of the requests, exact; out as text."""

    def to_internal_value(self, data: Any) -> Decimal:
        return serving_rules.share_of(data)

    def to_representation(self, value: Any) -> str:
        return decimal_text(value)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An app",
            value={
                "slug": "chat",
                "title": "Chat",
                "kind": "app",
                "audience": "everybody",
                "report_every": 3600,
            },
        )
    ]
)
class RuntimeIn(Strict):
    slug = shapes.slug_field()
    title = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=RUNTIME_KINDS, help_text="Kind of place.")
    audience = serializers.CharField(max_length=200, help_text="Who is served there.")
    report_every = serializers.IntegerField(
        required=False, min_value=1, max_value=serving_rules.MAX_INTERVAL,
        help_text="Seconds within which it promises to report its identity.",
    )  # fmt: skip


class RuntimeOut(serializers.Serializer[Any]):
    slug = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField(help_text="Kind of place.")
    audience = serializers.CharField()
    report_every = serializers.IntegerField(allow_null=True)
    state = serializers.CharField(help_text="`active` or `retired`.")
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class RuntimeFull(RuntimeOut):
    trouble = serializers.ListField(
        child=serializers.CharField(),
        help_text="What is wrong there now, in sentences; empty when all is well.",
    )


class PeriodOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    runtime = serializers.CharField(source="runtime.slug")
    release = serializers.CharField(source="version.subject")
    digest = serializers.CharField(help_text="Of the release.")
    identity = serializers.CharField(help_text="Behavioural identity at its start.")
    share = ShareField()
    audience = serializers.CharField()
    state = serializers.CharField(help_text="`open` or `ended`.")
    started_at = serializers.DateTimeField()
    started_by = serializers.CharField()
    reason = serializers.CharField()
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_by = serializers.CharField(allow_blank=True)
    end_reason = serializers.CharField(allow_blank=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Canary",
            value={"release": "release:demo-assistant@1", "share": "0.05", "reason": "First users."},
        )
    ]
)
class PeriodIn(Strict):
    release = serializers.CharField(max_length=200, help_text="release:slug[@number].")
    share = ShareField(default=Decimal(1))
    audience = serializers.CharField(
        default="", allow_blank=True, max_length=200, help_text="By default the runtime's."
    )
    replace = serializers.BooleanField(default=False, help_text="End what answers there in the same moment.")
    of = serializers.CharField(
        required=False, max_length=200, help_text="With `replace`: end this release alone."
    )
    reason = serializers.CharField(max_length=serving_rules.MAX_REASON)


@extend_schema_serializer(
    examples=[OpenApiExample("All of it", value={"reason": "The trial is over."})],
)
class PeriodEndIn(Strict):
    release = serializers.CharField(
        required=False, max_length=200, help_text="End this one alone; without it all that answer there."
    )
    reason = serializers.CharField(max_length=serving_rules.MAX_REASON)


class PeriodFilter(Strict):
    state = serializers.ChoiceField(choices=ServingPeriod.STATES, required=False)


class RuntimeList(Door):
    does = {"POST": "releases:runtime:create"}
    order = ("slug",)
    serializer_class = RuntimeOut

    @extend_schema(operation_id="runtimes_list", responses=RuntimeOut(many=True))
    def get(self, request: Request) -> Response:
        """Places where releases answer."""
        self.query()
        return self.paged(Runtime.objects.all())

    @extend_schema(operation_id="runtimes_create", request=RuntimeIn, responses={201: RuntimeOut})
    def post(self, request: Request) -> Response:
        """A new place where releases may answer."""
        made = serving.create_runtime(**self.body(RuntimeIn), actor=self.actor)
        where = reverse("api:runtime", args=(made.slug,), request=request)
        return Response(RuntimeOut(made).data, status=status.HTTP_201_CREATED, headers={"Location": where})


class RuntimeDoor(Door):
    """One runtime, found by the slug in the address."""

    def runtime(self) -> Runtime:
        """Raises NotFound."""
        return serving_found.runtime(self.kwargs["slug"])

    def release(self, given: str) -> Version:
        """The release of that name. Raises NotFound, PermissionDenied."""
        version = lookup.find(given if ":" in given else f"release:{given}")
        require_read(self.person, version)
        return version


class RuntimeOne(RuntimeDoor):
    serializer_class = RuntimeFull

    @extend_schema(operation_id="runtimes_get")
    def get(self, request: Request, **_: str) -> Response:
        """One runtime, and what is wrong there now."""
        self.query()
        found = self.runtime()
        return Response({**RuntimeOut(found).data, "trouble": serving_found.trouble(found)})


class RuntimeRetire(RuntimeDoor):
    does = {"POST": "releases:runtime:retire"}
    serializer_class = RuntimeOut

    @extend_schema(operation_id="runtimes_retire", request=shapes.ReasonIn)
    def post(self, request: Request, **_: str) -> Response:
        """Nothing begins to answer there any more. Answers 409 while something does."""
        reason = self.body(shapes.ReasonIn)["reason"]
        return Response(
            RuntimeOut(serving.retire_runtime(self.runtime(), reason=reason, actor=self.actor)).data
        )


class PeriodList(RuntimeDoor):
    does = {"POST": "releases:serving:start"}
    filters = PeriodFilter
    order = ("-started_at", "id")
    serializer_class = PeriodOut

    @extend_schema(operation_id="periods_list", parameters=[PeriodFilter], responses=PeriodOut(many=True))
    def get(self, request: Request, **_: str) -> Response:
        """What answers and answered there, newest first."""
        rows = self.runtime().periods.select_related("version__artifact", "runtime")
        return self.paged(rows.filter(**self.query()))

    @extend_schema(operation_id="periods_start", request=PeriodIn, responses={201: PeriodOut})
    def post(self, request: Request, **_: str) -> Response:
        """A release begins to answer there now; with `replace` it takes the place of what does. No other moment can be given.

        Answers 409 unless it is approved, its parts stand and its gate holds."""
        given, runtime = self.body(PeriodIn), self.runtime()
        said = {name: given[name] for name in ("share", "audience", "reason")}
        version = self.release(given["release"])
        if not given["replace"]:
            if "of" in given:
                raise serializers.ValidationError({"of": "It belongs to replace."})
            period = serving.start(runtime, version, **said, actor=self.actor)
        else:
            permit(request, "releases:serving:end")
            of = self.release(given["of"]) if "of" in given else None
            period = serving.replace(runtime, version, **said, of=of, actor=self.actor)
        return Response(PeriodOut(period).data, status=status.HTTP_201_CREATED)


class PeriodEnd(RuntimeDoor):
    does = {"POST": "releases:serving:end"}
    serializer_class = PeriodOut

    @extend_schema(operation_id="periods_end", request=PeriodEndIn, responses=PeriodOut(many=True))
    def post(self, request: Request, **_: str) -> Response:
        """End what answers there, or one release alone."""
        given, runtime = self.body(PeriodEndIn), self.runtime()
        of = self.release(given["release"]) if "release" in given else None
        ended = serving.end(runtime, of=of, reason=given["reason"], actor=self.actor)
        return Response(PeriodOut(ended, many=True).data)
