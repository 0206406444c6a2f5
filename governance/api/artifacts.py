"""Artifacts and versions: lists, one version and what belongs to it, drafts, and the decisions over a version."""

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api import serializers as shapes
from governance.api.base import Door, check_match, etag
from governance.api.caching import tag_of, tagged
from governance.api.changes import changes
from governance.api.downloads import BYTES, download
from governance.api.permissions import permit
from governance.api.problems import PreconditionFailed
from governance.ledger.append import Stale
from governance.registry import actions, erasure, kinds, lineage, lookup, states
from governance.registry.access import require_read, require_write
from governance.registry.kinds.base import ContentError
from governance.registry.models import Artifact, Version
from governance.reviews import actions as reviews
from governance.reviews import queues

MAX_EDGES = 2_000
BY_NAME = ("artifact__kind", "artifact__slug", "-number")
"""Versions by artifact, newest first."""
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read.", required=True
)


class ArtifactList(Door):
    filters = shapes.ArtifactFilter
    order = ("kind", "slug")
    serializer_class = shapes.ArtifactOut

    @extend_schema(
        operation_id="artifacts_list",
        parameters=[shapes.ArtifactFilter],
        responses=shapes.ArtifactOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """Artifacts in alphabetical order, each with its newest version."""
        wanted = self.query()
        rows = artifacts()
        if "kind" in wanted:
            rows = rows.filter(kind=wanted["kind"])
        if "q" in wanted:
            rows = rows.filter(Q(slug__icontains=wanted["q"]) | Q(title__icontains=wanted["q"]))
        return self.paged(rows)


class ArtifactOne(Door):
    serializer_class = shapes.ArtifactOut

    @extend_schema(operation_id="artifacts_get")
    def get(self, request: Request, kind: str, slug: str) -> HttpResponseBase:
        """One artifact. Its versions are at /versions/?kind=…&slug=…"""
        self.query()
        shown = shapes.ArtifactOut(artifacts().get(pk=lookup.find_artifact(f"{kind}:{slug}").pk)).data
        return tagged(Response(shown), tag_of(shown))


def artifacts() -> QuerySet[Artifact]:
    newest = Version.objects.filter(artifact=OuterRef("pk")).order_by("-number")
    return Artifact.objects.annotate(
        version_count=Count("versions"),
        **{f"newest_{name}": Subquery(newest.values(name)[:1]) for name in ("number", "state", "digest")},
    )


class VersionList(Door):
    filters = shapes.VersionFilter
    order = BY_NAME
    serializer_class = shapes.VersionOut

    @extend_schema(
        operation_id="versions_list",
        parameters=[shapes.VersionFilter],
        responses=shapes.VersionOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """Versions by artifact, newest first. Restricted ones are named too; their content is not shown here."""
        wanted = self.query()
        places = {"kind": "artifact__kind", "slug": "artifact__slug", "state": "state"}
        rows = Version.objects.select_related("artifact", "based_on__artifact").defer("content")
        if wanted.pop("waiting", False):
            rows = rows.filter(pk__in=queues.waiting(self.person).values("pk"))
        return self.paged(rows.filter(**{places[name]: value for name, value in wanted.items()}))

    def touches(self) -> list[str]:
        return [f"{self.given('kind')}:{self.given('slug')}"]

    @extend_schema(
        operation_id="versions_create",
        request=shapes.VersionIn,
        responses={201: shapes.VersionOut, 200: shapes.VersionOut},
    )
    def post(self, request: Request) -> Response:
        """A new draft, or with `state: sealed` a finished version. Sealing the same content again answers 200 with the version there is."""
        given = self.body(shapes.VersionIn)
        require_write(request.user, given["kind"])
        refuse_files(given["kind"], given["content"])
        place = (given["kind"], given["slug"], given["content"])
        if given["state"] == states.DRAFT:
            permit(request, "registry:version:draft")
            return created(self, actions.save_draft(*place, title=given["title"], actor=self.actor))
        permit(request, "registry:version:register")
        before = newest_number(given["kind"], given["slug"])
        version = actions.register(
            *place, title=given["title"], restricted=given["restricted"], actor=self.actor
        )
        return created(self, version, again=version.number <= before)


def newest_number(kind: str, slug: str) -> int:
    """The number of the artifact's newest version, 0 when it has none."""
    newest = Version.objects.filter(artifact__kind=kind, artifact__slug=slug).order_by("-number").first()
    return newest.number if newest else 0


def created(door: Door, version: Version, *, again: bool = False) -> Response:
    """201 with the version's address, or 200 when it was there before."""
    place = reverse(
        "api:version", args=(version.kind, version.artifact.slug, version.number), request=door.request
    )
    code = status.HTTP_200_OK if again else status.HTTP_201_CREATED
    return Response(shapes.decided(version), status=code, headers={"Location": place, "ETag": etag(version)})


def refuse_files(kind: str, content: dict[str, Any]) -> None:
    """Raise ContentError when content names files: only an upload brings their bytes, and nobody gets at others' by naming a hash."""
    if content.get("files"):
        raise ContentError(kind, [("files", "send the files themselves with POST /api/v1/versions/upload/")])


class VersionDoor(Door):
    """One version, found by kind, slug and number from the address."""

    def touches(self) -> list[str]:
        return [self.version().artifact.name]

    def version(self) -> Version:
        """The version. Raises NotFound, UnknownKind."""
        return lookup.find("{kind}:{slug}@{number}".format(**self.kwargs))

    def readable(self) -> Version:
        """As `version`; raises PermissionDenied when it is restricted and not for this person."""
        version = self.version()
        require_read(self.person, version)
        return version

    def whole(self) -> Version:
        """As `readable`; raises lookup.Erased when its content was erased."""
        return whole(self.readable())


def whole(version: Version) -> Version:
    """The version, if its content is there. Raises lookup.Erased."""
    if version.is_sealed and version.content is None:
        raise lookup.Erased(erasure.told(version))
    return version


class VersionOne(VersionDoor):
    does = {"PUT": "registry:version:draft"}
    serializer_class = shapes.VersionDetail

    @extend_schema(operation_id="versions_get")
    def get(self, request: Request, **_: str) -> HttpResponseBase:
        """One version with its content and its reviews. The ETag is what a change must name."""
        self.query()
        return told(self.readable())

    @extend_schema(
        operation_id="versions_edit",
        request=shapes.DraftIn,
        responses=shapes.VersionOut,
        parameters=[IF_MATCH],
    )
    def put(self, request: Request, **_: str) -> Response:
        """Replace a draft's content, if nobody changed it since it was read."""
        version = self.readable()
        check_match(request.headers.get("If-Match"), version)
        content = self.body(shapes.DraftIn)["content"]
        require_write(request.user, version.kind)
        refuse_files(version.kind, content)
        try:
            actions.edit_draft(version, content, actor=self.actor)
        except Stale as error:
            raise PreconditionFailed(str(error)) from error
        return Response(shapes.decided(version), headers={"ETag": etag(version)})


def told(version: Version) -> HttpResponseBase:
    """The version; once there are reviews or seats to fill, they stand behind its tag too."""
    shown = shapes.VersionDetail(version).data
    said = {name: shown[name] for name in ("reviews", "review")}
    own = str(version.ledger_rev)
    return tagged(Response(shown), f"{own}-{tag_of(said)}" if any(said.values()) else own)


class ContentByDigest(Door):
    serializer_class = shapes.ContentOut

    @extend_schema(operation_id="contents_get")
    def get(self, request: Request, digest: str) -> HttpResponseBase:
        """What a digest stands for: SHA-256 over the canonical bytes of this kind, schema and content. Never another one."""
        self.query()
        version = lookup.by_digest(digest)
        require_read(self.person, version)
        if version.content is None:
            raise lookup.Erased(erasure.told(version))
        return tagged(Response(shapes.ContentOut(version).data), digest, immutable=True)


class VersionByDigest(Door):
    serializer_class = shapes.VersionDetail

    @extend_schema(operation_id="versions_by_digest")
    def get(self, request: Request, digest: str) -> HttpResponseBase:
        """The version whose content has this digest."""
        self.query()
        version = lookup.by_digest(digest)
        require_read(self.person, version)
        return told(version)


class VersionFind(Door):
    filters = shapes.SubjectFilter
    serializer_class = shapes.VersionDetail

    @extend_schema(operation_id="versions_find", parameters=[shapes.SubjectFilter])
    def get(self, request: Request) -> HttpResponseBase:
        """The version that a name means; without a number the newest sealed one."""
        version = lookup.find(self.query()["subject"])
        require_read(self.person, version)
        return told(version)


class Submit(VersionDoor):
    does = {"POST": "reviews:version:submit"}
    serializer_class = shapes.VersionOut

    @extend_schema(operation_id="versions_submit", request=None)
    def post(self, request: Request, **_: str) -> Response:
        """Send a draft (which seals it) or a sealed version to review."""
        self.body()
        version = self.readable()
        if not version.is_sealed:
            require_write(request.user, version.kind)
        return Response(shapes.decided(reviews.submit(version, actor=self.actor)))


class Approve(VersionDoor):
    does = {"POST": "reviews:version:review"}
    serializer_class = shapes.VersionOut

    @extend_schema(operation_id="versions_approve", request=shapes.DecisionIn)
    def post(self, request: Request, **_: str) -> Response:
        """Approve exactly this digest. Whoever wrote or submitted it cannot."""
        version = self.readable()
        reviews.approve(version, **self.body(shapes.DecisionIn), actor=self.actor)
        return Response(shapes.decided(version))


class Refuse(VersionDoor):
    does = {"POST": "reviews:version:review"}
    serializer_class = shapes.VersionOut

    @extend_schema(operation_id="versions_refuse", request=shapes.DecisionIn)
    def post(self, request: Request, **_: str) -> Response:
        """Refuse exactly this digest, for good."""
        version = self.readable()
        reviews.refuse(version, **self.body(shapes.DecisionIn), actor=self.actor)
        return Response(shapes.decided(version))


class Revoke(VersionDoor):
    does = {"POST": "registry:version:revoke"}
    serializer_class = shapes.VersionOut

    @extend_schema(operation_id="versions_revoke", request=shapes.ReasonIn)
    def post(self, request: Request, **_: str) -> Response:
        """Withdraw a sealed version: no run and no release may use it from now on."""
        version = self.readable()
        return Response(
            shapes.decided(actions.revoke(version, **self.body(shapes.ReasonIn), actor=self.actor))
        )


class Lineage(VersionDoor):
    filters = shapes.LineageFilter
    serializer_class = shapes.LineageOut

    @extend_schema(operation_id="versions_lineage", parameters=[shapes.LineageFilter])
    def get(self, request: Request, **_: str) -> Response:
        """What a version comes from, nearest first, in all ancestries or one, and what was made directly from it."""
        ancestry = self.query().get("ancestry")
        version = self.version()
        edges = lineage.edges_above(version, ancestry, MAX_EDGES)
        found = {
            "subject": version.subject,
            "edges": edges[:MAX_EDGES],
            "truncated": len(edges) >= MAX_EDGES,
            "descendants": [one.subject for one in lineage.descendants(version)],
        }
        return Response(shapes.LineageOut(found).data)


class Diff(VersionDoor):
    filters = shapes.DiffFilter
    serializer_class = shapes.DiffOut

    @extend_schema(operation_id="versions_diff", parameters=[shapes.DiffFilter])
    def get(self, request: Request, **_: str) -> Response:
        """What changed in the content since version `from` of the same artifact (by default the one that it is based on)."""
        number = self.query().get("from")
        after = self.readable()
        before = lookup.find(f"{after.artifact.name}@{number}") if number else after.based_on
        if before is None:
            raise lookup.NotFound(
                f"{after.subject} is based on no earlier version; say which with ?from=NUMBER."
            )
        require_read(self.person, before)
        for one in (before, after):
            whole(one)
        found, truncated = changes(before.content, after.content)
        told = {"before": before.subject, "after": after.subject, "changes": found, "truncated": truncated}
        return Response(shapes.DiffOut(told).data)


class FileList(VersionDoor):
    order = ()
    serializer_class = shapes.FileOut

    @extend_schema(operation_id="versions_files", responses=shapes.FileOut(many=True))
    def get(self, request: Request, **_: str) -> Response:
        """The files of a version: paths, sizes and hashes."""
        self.query()
        return self.paged(files_of(self.whole()))


class FileOne(VersionDoor):
    produces = (BYTES,)

    @extend_schema(
        operation_id="versions_file",
        responses={(200, BYTES): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request: Request, sha256: str, **_: str) -> HttpResponseBase:
        """The bytes of one file of a version. The same address always has the same bytes."""
        self.query()
        version = self.whole()
        entry = next((entry for entry in files_of(version) if entry["sha256"] == sha256), None)
        if entry is None:
            raise lookup.NotFound(f"{version.subject} has no file with the hash {sha256}.")
        return tagged(
            download(request._request, sha256, entry["size"], entry["path"]), sha256, immutable=True
        )


def files_of(version: Version) -> list[dict[str, Any]]:
    """The files that a sealed version lists; a draft's content is whatever somebody typed."""
    return list((version.content or {}).get("files", [])) if version.is_sealed else []


class KindList(Door):
    order = ()
    serializer_class = shapes.KindOut

    @extend_schema(operation_id="kinds_list", responses=shapes.KindOut(many=True))
    def get(self, request: Request) -> Response:
        """The kinds of artifact, each with the JSON schema of its content."""
        self.query()
        return self.paged([kinds.KINDS[name] for name in sorted(kinds.KINDS)])
