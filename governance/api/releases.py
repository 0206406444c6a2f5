"""Releases: composed, judged by their gate, and known by one identity."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import problems
from governance.api import serializers as shapes
from governance.api.artifacts import VersionDoor, created, newest_number
from governance.api.base import Door, Strict
from governance.ledger.settle import NotSettled
from governance.ledger.signer import Refused as SignerRefused
from governance.registry import lookup
from governance.registry.access import require_read
from governance.registry.models import Version
from governance.releases import actions, gate_texts
from governance.releases.components import components, identity_of
from governance.releases.identity import behavioural_identity
from governance.releases.models import GateReport


class ReleaseIn(Strict):
    slug = shapes.slug_field()
    title = serializers.CharField(default="", allow_blank=True, max_length=200)
    content = shapes.ObjectField(
        help_text="Parts as kind:slug[@number] or as {subject, digest}, and the other fields of a release."
    )


class GateFilter(Strict):
    format = serializers.ChoiceField(choices=("json", "junit"), default="json")


class GateOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=(GateReport.PASSED, GateReport.REFUSED, GateReport.UNDECIDED))
    policy = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    report = shapes.ObjectField(
        help_text="The whole report: `rules[]` with their verdicts, reasons and facts."
    )
    report_sha256 = serializers.CharField()


class IdentityOut(serializers.Serializer[Any]):
    subject = serializers.CharField()
    identity = serializers.CharField(help_text="SHA-256 of the canonical bytes of `parts`.")
    parts = shapes.ObjectField()


class ReleaseList(Door):
    does = {"POST": "releases:release:compose"}
    serializer_class = shapes.VersionOut

    @extend_schema(operation_id="releases_list", responses=shapes.VersionOut(many=True))
    def get(self, request: Request) -> Response:
        """Releases by name, newest first."""
        self.query()
        rows = (
            Version.objects.filter(artifact__kind="release")
            .select_related("artifact", "based_on__artifact")
            .defer("content")
        )
        return self.paged(rows)

    @extend_schema(
        operation_id="releases_compose",
        request=ReleaseIn,
        responses={201: shapes.VersionOut, 200: shapes.VersionOut},
    )
    def post(self, request: Request) -> Response:
        """A sealed release from parts that people name. The same parts again answer 200 with the release there is."""
        given = self.body(ReleaseIn)
        before = newest_number("release", given["slug"])
        version = actions.compose(given["slug"], given["content"], title=given["title"], actor=self.actor)
        return created(self, version, again=version.number <= before)


class ReleaseDoor(VersionDoor):
    """One release, found by slug and number from the address."""

    def version(self) -> Version:
        return lookup.find("release:{slug}@{number}".format(**self.kwargs))


class Gate(ReleaseDoor):
    does = {"POST": "releases:gate:run"}
    filters = GateFilter
    serializer_class = GateOut

    @extend_schema(operation_id="releases_gate", parameters=[GateFilter])
    def get(self, request: Request, **_: str) -> Response | HttpResponse:
        """The newest gate report, as JSON or as JUnit XML for a pipeline."""
        form = self.query()["format"]
        version = self.readable()
        report = version.gate_reports.first()
        if report is None:
            raise lookup.NotFound(
                f"{version.subject} has no gate report; POST to this address runs the gate."
            )
        if form == "junit":
            return HttpResponse(gate_texts.junit(report.report), content_type="application/xml")
        return Response(GateOut(report).data)

    @extend_schema(operation_id="releases_gate_run", request=None, responses={201: GateOut})
    def post(self, request: Request, **_: str) -> Response:
        """Settle the ledger, judge the release by its policy, and record the report, whatever its verdict."""
        self.body()
        report = actions.run_gate(self.readable(), actor=self.actor)
        return Response(GateOut(report).data, status=status.HTTP_201_CREATED)


class Identity(ReleaseDoor):
    serializer_class = IdentityOut

    @extend_schema(operation_id="releases_identity")
    def get(self, request: Request, **_: str) -> Response:
        """The behavioural identity: one hash over all that decides how the release answers."""
        self.query()
        version = self.readable()
        for named in components(version).values():
            # The parts quote what the deployment configuration says.
            if named.version is not None:
                require_read(self.person, named.version)
        found = identity_of(version)
        return Response(
            IdentityOut(
                {"subject": version.subject, "identity": behavioural_identity(found), "parts": found}
            ).data
        )


problems.register(NotSettled, lambda error: (503, "not-settled", []))
problems.register(SignerRefused, lambda error: (503, "not-signed", []))
