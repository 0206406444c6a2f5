"""What cites the principles of a constitution or the rules of a policy: the matrix, and the citations of one principle."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.registry import citations, kinds
from governance.registry.citations import coverage, matrix, within
from governance.registry.citations.documents import DOCUMENTS
from governance.registry.models import Version
from governance.views.panels import Panel
from governance.views.reading import version_or_404

LINES, CITATIONS = 100, 100
"""Principles, and citations, on one page."""
SHOWN = 20
"""Citations that the panel of what cites shows."""


@login_required
@require_safe
def matrix_of(request: HttpRequest, subject: str) -> HttpResponse:
    version = _covered(request, subject)
    found = coverage.of_version(version, request.user)
    flag = request.GET.get("flag", "")
    flag = flag if flag in matrix.FLAGS else ""
    return render(
        request,
        "governance/coverage.html",
        {
            "version": version,
            "kind": kinds.get(version.kind),
            "title": (version.content or {}).get("title") or version.artifact.title,
            "noun": noun(version),
            "coverage": found,
            "areas": citations.AREAS,
            "flags": [(name, means, found.flags[name]) for name, means in matrix.FLAGS.items()],
            "flag": flag,
            "page": Paginator(found.chosen(flag), LINES).get_page(request.GET.get("page")),
        },
    )


@login_required
@require_safe
def principle(request: HttpRequest, subject: str, name: str) -> HttpResponse:
    version = _covered(request, subject)
    line = next((one for one in coverage.of_version(version, request.user).lines if one.id == name), None)
    if line is None:
        raise Http404(f"{version.subject} has no {noun(version)} with the id {name}.")
    area = request.GET.get("in", "")
    area = area if area in citations.AREAS else ""
    found = coverage.citing(version, request.user, name=name, area=area)
    return render(
        request,
        "governance/coverage_principle.html",
        {
            "version": version,
            "kind": kinds.get(version.kind),
            "line": line,
            "anchor": f"{noun(version)}-{name}",
            "areas": citations.AREAS,
            "area": area,
            "cells": [(key, title, line.cells[key]) for key, title in citations.AREAS.items()],
            "page": Paginator(found, CITATIONS).get_page(request.GET.get("page")),
        },
    )


def noun(version: Version) -> str:
    return DOCUMENTS[version.kind].removesuffix("s")


def summary_of(request: HttpRequest, version: Version) -> Panel | None:
    """On the page of a constitution or policy: how many principles have a flag, and the way to the matrix."""
    if coverage.why_none(version):
        return None
    found = coverage.of_version(version, request.user)
    flags = [(name, means, found.flags[name]) for name, means in matrix.FLAGS.items() if found.flags[name]]
    context = {"version": version, "coverage": found, "flags": flags, "noun": noun(version)}
    return Panel("governance/panel_coverage.html", context)


def cited_by(_: HttpRequest, version: Version) -> Panel | None:
    """On the page of what cites: which principles, where, and which of them do not exist."""
    found = within.cited(version)
    if not found:
        return None
    context = {
        "version": version,
        "rows": found[:SHOWN],
        "total": len(found),
        "dangling": sum(bool(row.why_dangling) for row in found),
        "areas": citations.AREAS,
    }
    return Panel("governance/panel_cites.html", context)


def _covered(request: HttpRequest, subject: str) -> Version:
    version = version_or_404(request, subject)
    if why := coverage.why_none(version):
        raise Http404(why)
    return version
