"""Cards and bundles as pages and downloads, as of the newest checkpoint or of an earlier one."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from governance.cards import as_json, as_page, markdown
from governance.cards.bundle import bundle_of
from governance.cards.compose import Card, NoCard, card_of
from governance.evidence.collect import NoSuchSize
from governance.evidence.records import NotThen
from governance.ledger.keys import KeyUnavailable
from governance.registry.models import Version
from governance.views.reading import version_or_404
from governance.views.releases import newest_checkpoint

TYPES = {"md": "text/markdown; charset=utf-8", "json": "application/json"}


@login_required
@require_safe
def card(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    checkpoint = newest_checkpoint()
    form = request.GET.get("format", "html")
    found = _card(version, checkpoint.size)
    if form in TYPES:
        body = markdown.render(found).encode() if form == "md" else as_json.render(found)
        return _download(body, TYPES[form], f"{_name(version)}.{form}")
    context: dict[str, Any] = as_page.context(found)
    context["card"]["checkpoint_at"] = checkpoint.at
    here = reverse("card", args=[version.subject])
    context["formats"] = [("Markdown", f"{here}?format=md"), ("JSON", f"{here}?format=json")]
    context["bundle_url"] = reverse("bundle", args=[version.subject])
    return render(request, "governance/card.html", context)


@login_required
@require_safe
def bundle(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    try:
        data = bundle_of(version, newest_checkpoint())
    except (NoCard, NotThen) as error:
        raise Http404(str(error)) from error
    except KeyUnavailable as error:
        return HttpResponse(f"{error}\n", status=503, content_type="text/plain")
    return _download(data, "application/zip", f"{_name(version)}.zip")


def _card(version: Version, size: int) -> Card:
    try:
        return card_of(version, size)
    except (NoCard, NotThen, NoSuchSize) as error:
        raise Http404(str(error)) from error


def _name(version: Version) -> str:
    return f"{version.kind}-{version.artifact.slug}-{version.number}"


def _download(data: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
