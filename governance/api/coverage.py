"""What cites the principles of a constitution or the rules of a policy, and what a version cites."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.artifacts import VersionDoor
from governance.api.base import Strict
from governance.api.serializers import Out
from governance.registry import citations, lookup
from governance.registry.citations import coverage, matrix, within
from governance.registry.models import Version


class CoverageFilter(Strict):
    flag = serializers.ChoiceField(
        choices=list(matrix.FLAGS), required=False, help_text="Only lines with this flag."
    )


class CellOut(Out):
    count = serializers.IntegerField(help_text="Rows, items or places that cite it.")
    older = serializers.IntegerField(help_text="Citations of an earlier wording; not counted.")
    state = serializers.CharField(help_text="Of public text alone: `public` or `hidden`; else empty.")


class CellsOut(Out):
    guideline = CellOut()
    rows = CellOut()
    reward = CellOut()
    eval = CellOut()
    gate = CellOut()
    text = CellOut()


class LineOut(Out):
    id = serializers.CharField()
    heading = serializers.CharField(help_text="Empty of an internal one.")
    visibility = serializers.ChoiceField(choices=["public", "internal"])
    reason = serializers.CharField(help_text="Why it is internal.")
    owner = serializers.CharField(help_text="Who answers for keeping it internal.")
    authority = serializers.CharField()
    cells = CellsOut()
    flags = serializers.ListField(child=serializers.ChoiceField(choices=list(matrix.FLAGS)))


class Coverage(VersionDoor):
    filters = CoverageFilter
    order = ()
    serializer_class = LineOut

    @extend_schema(
        operation_id="versions_coverage", parameters=[CoverageFilter], responses=LineOut(many=True)
    )
    def get(self, request: Request, **_: str) -> Response:
        """The coverage matrix: a line for each principle or rule, in order. Restricted versions that cite count for their readers."""
        wanted = self.query()
        found = coverage.of_version(covered(self.whole()), self.person)
        return self.paged(found.chosen(wanted.get("flag", "")))


class CitationFilter(Strict):
    id = serializers.CharField(required=False, max_length=200, help_text="Of one principle or rule.")
    area = serializers.ChoiceField(choices=list(citations.AREAS), required=False)


class CitationOut(Out):
    id = serializers.CharField(source="name", help_text="Of the principle or rule.")
    number = serializers.IntegerField(
        allow_null=True, help_text="Version of the document that is named; null for whatever version."
    )
    subject = serializers.CharField(source="version.subject", help_text="The version that cites.")
    area = serializers.ChoiceField(choices=list(citations.AREAS))
    place = serializers.CharField(help_text="Where in that version.")
    count = serializers.IntegerField(help_text="Rows, items or places there.")


class CitationList(VersionDoor):
    filters = CitationFilter
    order = coverage.ORDER
    serializer_class = CitationOut

    @extend_schema(
        operation_id="versions_citations", parameters=[CitationFilter], responses=CitationOut(many=True)
    )
    def get(self, request: Request, **_: str) -> Response:
        """What cites a constitution or policy, in whatever version; also ids that it does not have."""
        wanted = self.query()
        version = covered(self.whole())
        return self.paged(
            coverage.citing(version, self.person, name=wanted.get("id", ""), area=wanted.get("area", ""))
        )


class CiteOut(Out):
    id = serializers.CharField(source="citation.name")
    document = serializers.CharField(
        source="citation.document", help_text="kind:slug; empty where a bare id fits no document."
    )
    subject = serializers.CharField(
        help_text="The document's version that is meant; empty where there is none."
    )
    area = serializers.ChoiceField(source="citation.area", choices=list(citations.AREAS))
    place = serializers.CharField(source="citation.place")
    count = serializers.IntegerField(source="citation.count")
    why_dangling = serializers.CharField(help_text="Why there is no such principle; empty where there is.")


class CiteList(VersionDoor):
    order = ()
    serializer_class = CiteOut

    @extend_schema(operation_id="versions_cites", responses=CiteOut(many=True))
    def get(self, request: Request, **_: str) -> Response:
        """The principles and rules that a version cites, unknown ids first."""
        self.query()
        return self.paged(within.cited(self.whole()))


def covered(version: Version) -> Version:
    """The version, if principles or rules of it can be cited. Raises NotFound."""
    if why := coverage.why_none(version):
        raise lookup.NotFound(why)
    return version
