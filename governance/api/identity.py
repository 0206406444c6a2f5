"""What answered at a moment, with its proofs; which release or model a hash or a folder is; what runtimes say of themselves."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import serializers as shapes
from governance.api.base import Door, Strict
from governance.api.permissions import Permitted
from governance.api.serving import RuntimeDoor
from governance.ledger.append import timestamp
from governance.ledger.models import Checkpoint
from governance.registry import lookup
from governance.registry.kinds.base import ContentError
from governance.releases import drift, manifest, resolve, resolve_identity, resolve_proof, serving_found
from governance.releases.models import DriftAlarm
from governance.releases.resolve_told import as_told

FORMS = ("identity", "parts", "manifest")


class Question(Strict):
    deployment = serializers.CharField(max_length=200, help_text="The runtime's slug.")
    at = serializers.CharField(
        required=False, max_length=40,
        help_text="ISO 8601 with a zone, such as 2026-03-01T12:00:00Z; now without it. A moment without zone is refused.",
    )  # fmt: skip


class CitedEntryOut(serializers.Serializer[Any]):
    shows = serializers.CharField(help_text="`start`, `approval` or `end`.")
    index = serializers.IntegerField(allow_null=True, help_text="Leaf index; null until it is sequenced.")
    leaf_hash = serializers.CharField()
    op = serializers.CharField()
    actor = serializers.CharField()
    at = serializers.CharField()
    proof = serializers.CharField(allow_null=True, help_text="C2SP tlog-proof; null until it is signed.")


class ServedOut(serializers.Serializer[Any]):
    release = serializers.CharField()
    digest = serializers.CharField()
    state = serializers.CharField(help_text="Of the release now.")
    share = serializers.CharField()
    audience = serializers.CharField()
    model = shapes.ObjectField(allow_null=True)
    policy_layer = shapes.ObjectField(help_text="constitution, policies, filters, system_prompt.")
    deployment = shapes.ObjectField(allow_null=True, help_text="Deployment configuration.")
    identity = serializers.CharField(help_text="Behavioural identity.")
    parts = shapes.ObjectField(
        allow_null=True, help_text="What it is taken over; null where not all may be read."
    )
    hidden = serializers.CharField(allow_blank=True, help_text="Why `parts` is null.")
    approved_by = serializers.ListField(child=shapes.ObjectField(), help_text="{reviewer, at, reason}")
    started_by = serializers.CharField()
    started_at = serializers.CharField()
    reason = serializers.CharField()
    entries = CitedEntryOut(many=True)


class IdentityAtOut(serializers.Serializer[Any]):
    runtime = serializers.CharField()
    at = serializers.CharField()
    told = serializers.CharField(help_text="The answer in a sentence; also that nothing served.")
    served = ServedOut(many=True)
    checkpoint = serializers.CharField(allow_null=True, help_text="The signed head that the proofs lead to.")


class IdentityMatchOut(serializers.Serializer[Any]):
    of = serializers.CharField(help_text="`release` or `model`.")
    match = serializers.ListField(child=shapes.ObjectField(), help_text="{subject, digest, state, identity}")
    nearest = shapes.ObjectField(
        allow_null=True,
        help_text="{subject, digest, state, differs[], missing[], surplus[], differences, same}",
    )
    compared = serializers.IntegerField(help_text="Versions that it was compared with.")
    limit = serializers.IntegerField(help_text="Most versions that are compared, the newest first.")


@extend_schema_serializer(
    examples=[
        OpenApiExample("A hash", value={"identity": "0" * 64}),
        OpenApiExample(
            "A folder", value={"manifest": [{"path": "config.json", "sha256": "0" * 64, "size": 12}]}
        ),
    ]
)
class IdentityIn(serializers.Serializer[Any]):
    """One of the three."""

    identity = serializers.CharField(required=False, help_text="A behavioural identity.")
    parts = shapes.ObjectField(required=False, help_text="Parts of an identity, or some of them.")
    manifest = serializers.ListField(
        required=False,
        child=shapes.ObjectField(),
        help_text="Files of a model's folder: {path, sha256, size}.",
    )


@extend_schema_serializer(examples=[OpenApiExample("A hash", value={"identity": "0" * 64})])
class RuntimeReportIn(Strict):
    identity = serializers.CharField(required=False, max_length=200)
    parts = shapes.ObjectField(required=False)


class DriftOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    runtime = serializers.CharField(source="runtime.slug")
    reported = serializers.CharField(help_text="Identity that it reported.")
    expected = serializers.ListField(
        child=shapes.ObjectField(), help_text="{subject, identity} of what serves there."
    )
    differing = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="Parts that differ; null where only a hash came.",
    )
    state = serializers.CharField(help_text="`open` or `closed`.")
    at = serializers.DateTimeField()
    by = serializers.CharField()
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)


class RuntimeReportOut(serializers.Serializer[Any]):
    runtime = serializers.CharField()
    identity = serializers.CharField()
    known = serializers.BooleanField(help_text="Whether a release with that identity serves there.")
    at = serializers.DateTimeField()
    alarm = DriftOut(allow_null=True)


class AlarmFilter(Strict):
    runtime = serializers.CharField(required=False, max_length=80)
    state = serializers.ChoiceField(choices=DriftAlarm.STATES, required=False)


class Identity(Door):
    filters = Question
    serializer_class = IdentityAtOut

    @extend_schema(operation_id="identity_at", parameters=[Question])
    def get(self, request: Request) -> Response:
        """Which model version, policy layer and deployment configuration answered at a runtime at a moment, and what proves it.

        What is said is what the ledger's entries recorded by then."""
        asked = self.query()
        runtime, moment = serving_found.runtime(asked["deployment"]), resolve.moment_of(asked.get("at"))
        served = resolve.served_at(runtime, moment, self.person)
        checkpoint = Checkpoint.objects.order_by("-size").first()
        proofs = resolve_proof.proofs([entry for one in served for _, entry in one.entries], checkpoint)
        told = {
            "runtime": runtime.slug,
            "at": timestamp(moment),
            "told": resolve.told(runtime, moment, served),
            "served": [as_told(one, proofs) for one in served],
            "checkpoint": checkpoint.note if checkpoint else None,
        }
        return Response(IdentityAtOut(told).data)


def _formed(data: Any) -> dict[str, Any]:
    """The body, which names one of the three forms alone. Raises ContentError."""
    unknown = sorted(set(data) - set(FORMS)) if isinstance(data, dict) else []
    if unknown:
        known = ", ".join(FORMS)
        raise ContentError(
            "identity", [(name, f"there is no such field; fields are {known}") for name in unknown[:100]]
        )
    if not isinstance(data, dict) or len(data) != 1:
        raise ContentError("identity", [(name, f"write exactly one of {', '.join(FORMS)}") for name in FORMS])
    return data


class PublicOrPermitted(Permitted):
    """Anybody, where the installation says so."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if settings.CHARTER_PUBLIC_IDENTITY and not request.user.is_authenticated:
            return True
        return super().has_permission(request, view)


class Verify(Door):
    permission_classes = [PublicOrPermitted]
    serializer_class = IdentityMatchOut

    @extend_schema(operation_id="identity_verify", request=IdentityIn)
    def post(self, request: Request) -> Response:
        """Which release or model a hash, parts or a folder's files are, or how they differ from the nearest. Changes nothing."""
        data, person = _formed(request.data), request.user
        if "identity" in data:
            found = resolve_identity.by_hash(manifest.hash_from(data["identity"]), person)
        elif "parts" in data:
            found = resolve_identity.by_parts(manifest.parts_from(data["parts"]), person)
        else:
            found = resolve_identity.by_files(manifest.files_from(data["manifest"]), person)
        return Response(IdentityMatchOut(found.record()).data)


class RuntimeReports(RuntimeDoor):
    does = {"POST": "releases:runtime:report"}
    serializer_class = RuntimeReportOut

    @extend_schema(operation_id="runtimes_report", request=RuntimeReportIn, responses={200: RuntimeReportOut})
    def post(self, request: Request, **_: str) -> Response:
        """A runtime says which identity it has, by its hash or its parts. An unknown one raises an alarm, once."""
        given, runtime = self.body(RuntimeReportIn), self.runtime()
        if len(given) != 1:
            raise ContentError(
                "report", [(name, "write the identity or the parts") for name in ("identity", "parts")]
            )
        if "identity" in given:
            given["identity"] = manifest.hash_from(given["identity"])
        row, alarm = drift.report(runtime, **given, actor=self.actor)
        told = {
            "runtime": runtime.slug,
            "identity": row.identity,
            "known": row.known,
            "at": row.at,
            "alarm": alarm,
        }
        return Response(RuntimeReportOut(told).data)


class AlarmList(Door):
    filters = AlarmFilter
    order = ("-at", "id")
    serializer_class = DriftOut

    @extend_schema(operation_id="drift_list", parameters=[AlarmFilter], responses=DriftOut(many=True))
    def get(self, request: Request) -> Response:
        """Alarms about runtimes that reported an identity which nothing there has, newest first."""
        wanted = self.query()
        rows = DriftAlarm.objects.select_related("runtime")
        if slug := wanted.pop("runtime", None):
            rows = rows.filter(runtime__slug=slug)
        return self.paged(rows.filter(**wanted))


class AlarmClose(Door):
    does = {"POST": "releases:drift:close"}
    serializer_class = DriftOut

    @extend_schema(operation_id="drift_close", request=shapes.ReasonIn)
    def post(self, request: Request, id: str, **_: str) -> Response:
        """Close an alarm, with what became of it."""
        reason = self.body(shapes.ReasonIn)["reason"]
        alarm = DriftAlarm.objects.select_related("runtime").filter(pk=id).first()
        if alarm is None:
            raise lookup.NotFound(f"There is no alarm {id}.")
        return Response(
            DriftOut(drift.close(alarm, reason=reason, actor=self.actor)).data, status=status.HTTP_200_OK
        )
