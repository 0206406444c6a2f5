"""Published cards: for anybody as the bytes that were frozen, for those signed in with publishing and withdrawing."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from governance.cards import publication
from governance.cards.compose import KIND_OF, KINDS, NoCard
from governance.cards.models import Publication
from governance.evidence.records import Inconsistent
from governance.ledger.append import Stale
from governance.ledger.canonical import sha256_hex
from governance.ledger.keys import KeyUnavailable
from governance.ledger.models import Entry
from governance.ledger.settle import NotSettled
from governance.ledger.signer import Refused as SignerRefused
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import blobs, states
from governance.registry.actions import Refused
from governance.registry.events import RegistryEvent
from governance.registry.models import Version
from governance.views.panels import Panel
from governance.views.reading import version_or_404

PAGE = 50
SHOWN = 5
"""Publications of one version that its page lists."""
CACHING = "public, no-cache"
"""Anybody may keep the bytes, and asks before each use: a card may be withdrawn."""
FILES = {
    "zip": ("Signed bundle", "application/zip"),
    "md": ("Markdown", "text/markdown; charset=utf-8"),
    "json": ("JSON", "application/json"),
}
NOTHING = "Nothing is published under this name."
FAULTS = (Refused, Stale, NoCard, NotSettled, KeyUnavailable, SignerRefused, Inconsistent)


def anybody(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Without sign-in, session or cookie; the same 404 for all that is not published, and while nothing is shown."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not publication.is_open():
            raise Http404(NOTHING)
        try:
            return view(request, *args, **kwargs)
        except blobs.MissingBlob as error:
            return HttpResponse(f"{error}\n", status=503, content_type="text/plain; charset=utf-8")

    return guarded


@anybody
def public_list(request: HttpRequest) -> HttpResponse:
    """The newest publication of each card, newest first."""
    page = Paginator(_newest(), PAGE).get_page(request.GET.get("page"))
    for one in page.object_list:
        one.card, one.address = KINDS[one.kind], address(one)  # type: ignore[attr-defined]
    return _page(request, "cards/public_list.html", {"page": page, "request": request})


@anybody
def public_card(request: HttpRequest, kind: str, slug: str, number: str) -> HttpResponse:
    found = _published(request, kind, slug, number)
    if found.state == Publication.WITHDRAWN:
        return _page(request, "cards/public_withdrawn.html", {"published": found}, status=410)
    context = {
        "published": found,
        # Escaped when it was rendered, and frozen since: its digest stands in the ledger.
        "body": mark_safe(_bytes(found, "html").decode()),  # noqa: S308
        "state": _state(found.version),
        "files": [(title, address(found, name), found.files[name]) for name, (title, _) in FILES.items()],
        "other": _other(found),
    }
    return _page(request, "cards/public_card.html", context)


@anybody
def public_file(request: HttpRequest, kind: str, slug: str, number: str, form: str) -> HttpResponse:
    found = _published(request, kind, slug, number)
    if form not in FILES or found.state == Publication.WITHDRAWN:
        raise Http404(NOTHING)
    response = HttpResponse(_bytes(found, form), content_type=FILES[form][1])
    response["Content-Disposition"] = (
        content_disposition_header(True, f"{kind}-{slug}-{number}.{form}") or "attachment"
    )
    return _kept(request, response, found.files[form])


@login_required
@require_POST
def publish(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, publication.ACTION)
    version = version_or_404(request, subject)
    try:
        made = publication.publish(
            version, kind=request.POST.get("kind") or None, actor=actor_for(request.user)
        )
    except FAULTS as error:
        messages.error(request, _told(error))
    else:
        messages.success(request, f"The {made} entries is published.")
    return redirect(
        "release" if version.kind == "release" and version.is_sealed else "version", version.subject
    )


@login_required
@require_POST
def withdraw(request: HttpRequest, publication_id: UUID) -> HttpResponse:
    require(request.user, publication.ACTION)
    found = Publication.objects.select_related("version__artifact").filter(pk=publication_id).first()
    if found is None:
        raise Http404(f"There is no publication {publication_id}.")
    reason = request.POST.get("reason", "").replace("\0", "")
    try:
        publication.withdraw(found, reason=reason, actor=actor_for(request.user))
    except FAULTS as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The {found} is withdrawn.")
    return redirect("version", found.version.subject)


def of_version(request: HttpRequest, version: Version) -> Panel | None:
    """On the page of a version: what is published of it, whether that is old, and publishing it, for those who may."""
    if version.kind not in KIND_OF or version.restricted or not version.is_sealed:
        return None
    rows = list(
        Publication.objects.filter(version=version).select_related("version__artifact", "ledger_head")[:SHOWN]
    )
    manages = may(request.user, publication.ACTION)
    if not rows and not (manages and version.state == states.APPROVED):
        return None
    own = next((row for row in rows if row.kind == KIND_OF[version.kind]), None)
    context = {
        "version": version,
        "published": [{"row": row, "card": KINDS[row.kind], "address": address(row)} for row in rows],
        "news": publication.news(own) if own else "",
        "open": publication.is_open(),
        "can_publish": manages and version.state == states.APPROVED,
        "can_withdraw": manages,
        "kinds": [(kind, title) for kind, title in KINDS.items() if kind in _kinds_of(version)],
    }
    return Panel("governance/panel_publications.html", context)


def address(found: Publication, form: str = "") -> str:
    """Where anybody reads it, or one of its files."""
    version = found.version
    where = (version.kind, version.artifact.slug, version.number)
    place = reverse("public-file", args=(*where, form)) if form else reverse("public-card", args=where)
    return place if found.kind == KIND_OF[version.kind] else f"{place}?card={found.kind}"


def _kinds_of(version: Version) -> tuple[str, ...]:
    return ("system", "model") if version.kind == "release" else (KIND_OF[version.kind],)


def _newest() -> QuerySet[Publication]:
    """The newest publication of each card, newest first."""
    same = Publication.objects.filter(version=OuterRef("version"), kind=OuterRef("kind"))
    newest = same.order_by("-evidence_size").values("pk")[:1]
    return (
        Publication.objects.filter(pk=Subquery(newest))
        .select_related("version__artifact")
        .order_by("-at", "pk")
    )


def _published(request: HttpRequest, kind: str, slug: str, number: str) -> Publication:
    version = Version.objects.select_related("artifact").filter(
        artifact__kind=kind, artifact__slug=slug, number=int(number), restricted=False
    )  # fmt: skip
    one = version.first()
    card = request.GET.get("card") or KIND_OF.get(kind, "")
    found = publication.standing(one, card) if one and card in KINDS else None
    if found is None:
        raise Http404(NOTHING)
    return found


def _bytes(found: Publication, form: str) -> bytes:
    """The frozen bytes. Raises MissingBlob unless they are those that were published."""
    data = blobs.read(found.files[form])
    if sha256_hex(data) != found.files[form]:
        raise blobs.MissingBlob(f"The {form} of the {found} is not what was published.")
    return data


def _state(version: Version) -> str:
    """That the version does not stand any more, in a sentence; empty while it is approved."""
    if version.state == states.APPROVED:
        return ""
    if version.state != states.REVOKED:
        return f"A newer version than {version.subject} is approved."
    entry = Entry.objects.filter(object_id=str(version.pk), op=RegistryEvent.REVOKED).first()
    when = f" on {entry.at:%Y-%m-%d}" if entry else ""
    return f"{version.subject} was revoked{when}, after this card was published."


def _other(found: Publication) -> list[tuple[str, str]]:
    rows = (
        Publication.objects.filter(version=found.version)
        .exclude(kind=found.kind)
        .select_related("version__artifact")
    )
    kinds = {row.kind: row for row in reversed(rows[:SHOWN])}
    return [(KINDS[kind], address(row)) for kind, row in sorted(kinds.items())]


def _page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    # Not by `render`: the context of other pages would ask who is there, and tell caches that this matters.
    body = render_to_string(template, context).encode()
    return _kept(request, HttpResponse(body, status=status), sha256_hex(body))


def _kept(request: HttpRequest, response: HttpResponse, tag: str) -> HttpResponse:
    """The response with its tag and rule for caches, or 304 when the client has it already."""
    response["ETag"], response["Cache-Control"] = f'"{tag[:32]}"', CACHING
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


def _told(error: Exception) -> str:
    if isinstance(error, KeyUnavailable):
        return f"{error} Publish where the key is: manage.py publish SUBJECT --as NAME."
    return str(error)
