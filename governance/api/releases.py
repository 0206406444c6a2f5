"""Releases: composed, judged by their gate, and known by one identity."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api import problems
from governance.api import serializers as shapes
from governance.api.artifacts import BY_NAME, VersionDoor, created, newest_number
from governance.api.base import JSON, Door, Strict
from governance.api.caching import tagged
from governance.api.problems import MEDIA_TYPE, problem
from governance.api.schema import Problem
from governance.ledger.settle import NotSettled
from governance.ledger.signer import Refused as SignerRefused
from governance.registry import lookup
from governance.registry.access import require_read
from governance.registry.models import Version
from governance.releases import actions, gate_texts
from governance.releases.components import components, identity_of
from governance.releases.identity import behavioural_identity
from governance.releases.models import GateReport
from governance.releases.rules import BLOCK

XML = "application/xml"
FORMS = {JSON: "json", XML: "junit"}


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Parts by name",
            value={
                "slug": "assistant",
                "title": "Assistant",
                "content": {
                    "model": "model:demo-assistant@1",
                    "baseline": "model:tiny-base",
                    "deployment": "deployment:demo-laptop",
                    "policy": "release-policy:demo",
                },
            },
        )
    ]
)
class ReleaseIn(Strict):
    slug = shapes.slug_field()
    title = serializers.CharField(default="", allow_blank=True, max_length=200)
    content = shapes.ObjectField(
        help_text="Parts as kind:slug[@number] or as {subject, digest}, and the other fields of a release."
    )


class GateFilter(Strict):
    format = serializers.ChoiceField(
        choices=tuple(FORMS.values()),
        required=False,
        help_text="By default what `Accept` asks for, else JSON.",
    )


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


class ReportOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    verdict = serializers.CharField()
    policy = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    evidence_size = serializers.IntegerField(help_text="Size of the ledger that it is about.")
    report_sha256 = serializers.CharField()


class IdentityOut(serializers.Serializer[Any]):
    subject = serializers.CharField()
    identity = serializers.CharField(help_text="SHA-256 of the canonical bytes of `parts`.")
    parts = shapes.ObjectField()


class ReleaseList(Door):
    does = {"POST": "releases:release:compose"}
    order = BY_NAME
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

    def touches(self) -> list[str]:
        return [f"release:{self.given('slug')}"]

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


class GateProblem(Problem):
    """The gate's answer, told as a refusal so that a pipeline stops; the report is recorded all the same."""

    gate = GateOut(required=False, help_text="Missing when the gate could not be run at all.")


class Gate(ReleaseDoor):
    does = {"POST": "releases:gate:run"}
    filters = GateFilter
    produces = tuple(FORMS)
    commits = True
    serializer_class = GateOut

    @extend_schema(
        operation_id="releases_gate",
        parameters=[GateFilter],
        responses={(200, JSON): GateOut, (200, XML): OpenApiResponse({"type": "string"})},
    )
    def get(self, request: Request, **_: str) -> HttpResponseBase:
        """The newest gate report, as JSON or as JUnit XML for a pipeline."""
        form = self.query().get("format") or FORMS[self.preferred()]
        version = self.readable()
        report = version.gate_reports.first()
        if report is None:
            raise lookup.NotFound(
                f"{version.subject} has no gate report; POST to this address runs the gate."
            )
        if form == "junit":
            found = HttpResponse(gate_texts.junit(report.report), content_type=XML)
            return tagged(found, f"{report.report_sha256}-junit")
        return tagged(Response(GateOut(report).data), report.report_sha256)

    @extend_schema(
        operation_id="releases_gate_run",
        request=None,
        responses={200: GateOut, (409, MEDIA_TYPE): GateProblem},
    )
    def post(self, request: Request, **_: str) -> Response:
        """May this release go out? 200: the rules of its policy passed; 409: they did not, with the whole report.

        Every run settles the ledger and records its report, whatever its verdict."""
        self.body()
        report = actions.run_gate(self.readable(), actor=self.actor)
        found, place = GateOut(report).data, self._place(report)
        if report.verdict == GateReport.PASSED:
            return Response(found, headers={"Location": place})
        told = problem(409, f"gate-{report.verdict}", sentence(report), faults(report), instance=request.path)
        return Response(
            {**told, "gate": found}, status=409, content_type=MEDIA_TYPE, headers={"Location": place}
        )

    def _place(self, report: GateReport) -> str:
        names = (self.kwargs["slug"], self.kwargs["number"], report.pk)
        return reverse("api:release-report", args=names, request=self.request)


def faults(report: GateReport) -> list[problems.Fault]:
    """(id of the rule, why) of each blocking rule that did not pass."""
    return [(rule["id"], reason(rule)) for rule in blocking(report)]


def reason(rule: Mapping[str, Any]) -> str:
    return str(rule["reason"] or rule["message"] or rule["title"])


def sentence(report: GateReport) -> str:
    titles = "; ".join(rule["title"] for rule in blocking(report))
    if not titles:
        return (
            f"The gate could not decide about {report.version.subject}: its policy has no rule that blocks."
        )
    said = "refused" if report.verdict == GateReport.REFUSED else "could not decide about"
    return f"The gate {said} {report.version.subject}. Not passed: {titles}."


def blocking(report: GateReport) -> list[dict[str, Any]]:
    rules = report.report["rules"]
    return [
        rule
        for rule in rules
        if rule["severity"] == BLOCK and rule["verdict"] != GateReport.PASSED and not rule["waived"]
    ]


class ReportList(ReleaseDoor):
    order = ("-ledger_head__id",)
    serializer_class = ReportOut

    @extend_schema(operation_id="releases_reports", responses=ReportOut(many=True))
    def get(self, request: Request, **_: str) -> Response:
        """All gate reports of a release, newest first."""
        self.query()
        return self.paged(self.readable().gate_reports.select_related("ledger_head").defer("report"))


class ReportOne(ReleaseDoor):
    serializer_class = GateOut

    @extend_schema(operation_id="releases_report")
    def get(self, request: Request, id: str, **_: str) -> HttpResponseBase:
        """One gate report, whole. It never changes."""
        self.query()
        version = self.readable()
        report = version.gate_reports.filter(pk=id).first()
        if report is None:
            raise lookup.NotFound(f"{version.subject} has no gate report {id}.")
        return tagged(Response(GateOut(report).data), report.report_sha256, immutable=True)


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
