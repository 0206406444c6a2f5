"""Lists of artifacts, and one artifact with its versions."""

from collections import Counter
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
from governance.reviews import queues
from governance.views import entries, kind_groups

PAGE = 50


SORTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "changed": ("Newest change", (F("changed_at").desc(nulls_last=True), "kind", "slug")),
    "name": ("Name", ("slug", "kind")),
    "kind": ("Kind and name", ("kind", "slug")),
    "versions": ("Most versions", ("-version_count", "kind", "slug")),
}
FILTERS = ("kind", "state", "q", "group", "waiting", "sort")


@login_required
@require_safe
def artifact_list(request: HttpRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "").replace("\0", "")[:200] for name in FILTERS}
    page: Page[Any] = Paginator(_filtered(request.user, asked), PAGE).get_page(request.GET.get("page"))
    _name_newest(page)
    number = Counter(dict(Artifact.objects.values_list("kind").annotate(Count("pk"))))
    kind = kinds.KINDS.get(asked["kind"])
    return render(
        request,
        "governance/artifact_list.html",
        {
            **asked,
            "page": page,
            "total": sum(number.values()),
            "groups": [
                {
                    "name": name,
                    "title": title,
                    "count": sum(number[kind] for kind in names),
                    "kinds": [(one, number[one.name]) for one in kind_groups.kinds_of(name)],
                }
                for name, (title, names) in kind_groups.GROUPS.items()
            ],
            "states": [(name, name.replace("_", " ").capitalize()) for name in states.STATES],
            "sorts": [(name, title) for name, (title, _) in SORTS.items()],
            "filtered": any(asked[name] for name in FILTERS if name != "sort"),
            "only_kind": kind,
            "title": kind.plural if kind else kind_groups.GROUPS.get(asked["group"], ("Artifacts",))[0],
        },
    )


def _name_newest(page: Page[Any]) -> None:
    found = (
        Version.objects.filter(pk__in=[one.newest for one in page])
        .select_related("artifact")
        .defer("content")
    )
    newest = {version.artifact_id: version for version in found}
    for artifact in page:
        artifact.latest = newest.get(artifact.pk)
        artifact.kind_title = kinds.get(artifact.kind).title


def _filtered(user: object, asked: dict[str, str]) -> QuerySet[Artifact]:
    newest = Version.objects.filter(artifact=OuterRef("pk")).order_by("-number")
    found = Artifact.objects.annotate(
        newest=Subquery(newest.values("pk")[:1]),
        newest_state=Subquery(newest.values("state")[:1]),
        version_count=Count("versions"),
        changed_at=Max("versions__created_at"),
    )
    if asked["kind"]:
        found = found.filter(kind=asked["kind"])
    if asked["group"]:
        found = found.filter(kind__in=[kind.name for kind in kind_groups.kinds_of(asked["group"])])
    if asked["state"]:
        found = found.filter(newest_state=asked["state"])
    if asked["waiting"]:
        found = found.filter(pk__in=queues.waiting(user).order_by().values("artifact_id"))
    if asked["q"]:
        found = found.filter(Q(slug__icontains=asked["q"]) | Q(title__icontains=asked["q"]))
    return found.order_by(*SORTS.get(asked["sort"], SORTS["changed"])[1])


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
