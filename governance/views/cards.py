"""Cards and bundles as pages and downloads, as of the newest checkpoint or of an earlier one."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from governance.cards import as_page, publication
from governance.cards.bundle import bundle_of
from governance.cards.compose import Card, NoCard, card_of
from governance.cards.coverage import standards
from governance.cards.formats import FORMATS, fitting, rendered
from governance.evidence.collect import NoSuchSize
from governance.evidence.records import Inconsistent, NotThen
from governance.ledger.keys import KeyUnavailable
from governance.registry.models import Version
from governance.views.reading import version_or_404
from governance.views.releases import newest_checkpoint


@login_required
@require_safe
def card(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    checkpoint = newest_checkpoint()
    form = request.GET.get("format")
    try:
        found = _card(version, checkpoint.size)
    except Inconsistent as error:
        return _unavailable(error)
    if form in FORMATS:
        return _file(found, form, _name(version))
    context: dict[str, Any] = as_page.context(found)
    context["card"]["checkpoint_at"] = checkpoint.at
    here = reverse("card", args=[version.subject])
    context["formats"] = [(one.title, f"{here}?format={name}") for name, one in fitting(found.kind).items()]
    context["bundle_url"] = reverse("bundle", args=[version.subject])
    context["standards"] = standards(found)
    context["coverage_url"] = f"{here}?format=coverage"
    published = publication.standing(version)
    context["published_old"] = published is not None and publication.is_old(published, found.document)
    return render(request, "governance/card.html", context)


@login_required
@require_safe
def bundle(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    try:
        data = bundle_of(version, newest_checkpoint())
    except (NoCard, NotThen) as error:
        raise Http404(str(error)) from error
    except (KeyUnavailable, Inconsistent) as error:
        return _unavailable(error)
    return _download(data, "application/zip", f"{_name(version)}.zip")


def _card(version: Version, size: int) -> Card:
    try:
        return card_of(version, size)
    except (NoCard, NotThen, NoSuchSize) as error:
        raise Http404(str(error)) from error


def _file(found: Card, form: str, name: str) -> HttpResponse:
    try:
        data = rendered(found, form)
    except NoCard as error:
        raise Http404(str(error)) from error
    return _download(data, FORMATS[form].media_type, f"{name}.{FORMATS[form].suffix}")


def _unavailable(error: Exception) -> HttpResponse:
    """Nothing is shown where the record does not hold: no card is better than one that nobody can prove."""
    text = f"{error}\nRun `manage.py ledger verify` on the server to see what does not hold.\n"
    return HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")


def _name(version: Version) -> str:
    return f"{version.kind}-{version.artifact.slug}-{version.number}"


def _download(data: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
