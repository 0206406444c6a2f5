"""Lists of artifacts, and one artifact with its versions."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.registry import kinds, lookup, states
from governance.registry.access import may_read
from governance.registry.models import Artifact, Version
from governance.views import entries

PAGE = 50


@login_required
@require_safe
def artifact_list(request: HttpRequest) -> HttpResponse:
    kind, state, q = (request.GET.get(name, "").replace("\0", "")[:200] for name in ("kind", "state", "q"))
    page: Page[Any] = Paginator(_filtered(kind, state, q), PAGE).get_page(request.GET.get("page"))
    newest = {
        version.artifact_id: version
        for version in Version.objects.filter(pk__in=[one.newest for one in page]).select_related("artifact")
    }
    for artifact in page:
        artifact.latest = newest.get(artifact.pk)
        artifact.kind_title = kinds.get(artifact.kind).title
    return render(
        request,
        "governance/artifact_list.html",
        {
            "page": page,
            "kinds": [(name, found.title) for name, found in kinds.KINDS.items()],
            "states": [(name, name.replace("_", " ").capitalize()) for name in states.STATES],
            "kind": kind,
            "state": state,
            "q": q,
            "title": kinds.KINDS[kind].plural if kind in kinds.KINDS else "Artifacts",
        },
    )


def _filtered(kind: str, state: str, q: str) -> QuerySet[Artifact]:
    newest = Version.objects.filter(artifact=OuterRef("pk")).order_by("-number")
    found = Artifact.objects.annotate(
        newest=Subquery(newest.values("pk")[:1]),
        newest_state=Subquery(newest.values("state")[:1]),
        version_count=Count("versions"),
        changed_at=Max("versions__created_at"),
    )
    if kind:
        found = found.filter(kind=kind)
    if state:
        found = found.filter(newest_state=state)
    if q:
        found = found.filter(Q(slug__icontains=q) | Q(title__icontains=q))
    return found.order_by(F("changed_at").desc(nulls_last=True), "kind", "slug")


@login_required
@require_safe
def artifact_detail(request: HttpRequest, name: str) -> HttpResponse:
    try:
        artifact = lookup.find_artifact(name)
    except (lookup.NotFound, lookup.Ambiguous, kinds.UnknownKind) as error:
        raise Http404(str(error)) from error
    artifact.kind_title = kinds.get(artifact.kind).title  # type: ignore[attr-defined]
    versions = artifact.versions.select_related("artifact", "based_on__artifact").order_by("-number")
    page = Paginator(versions, PAGE).get_page(request.GET.get("page"))
    readable = [version.pk for version in page if may_read(request.user, version)]
    return render(
        request,
        "governance/artifact_detail.html",
        {
            "artifact": artifact,
            "page": page,
            "entries": entries.of_objects(Version.ledger_type, readable)
            + entries.of_objects(Artifact.ledger_type, [artifact.pk], limit=1),
        },
    )
