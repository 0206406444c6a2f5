"""Search over everything that is registered and decided."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.registry import kinds, search

PAGE = 20


@login_required
@require_safe
def results(request: HttpRequest) -> HttpResponse:
    """Results marked by type; 400 with a sentence for what nobody can look for."""
    q, type, kind = (request.GET.get(name, "") for name in ("q", "type", "kind"))
    try:
        found, fault = search.find(q, type=type, kind=kind), ""
    except search.BadQuery as error:
        found, fault = search.find(""), str(error)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "governance/search.html",
        {
            "page": page,
            "fault": fault,
            "q": q.replace("\0", "")[: search.LONGEST_QUERY],
            "type": type,
            "kind": kind,
            "types": search.known().values(),
            "counts": found.counts,
            "full": found.full,
            "kinds": [(name, one.title) for name, one in kinds.KINDS.items()],
            "longest": search.LONGEST_QUERY,
            "most": search.MOST,
        },
        status=400 if fault else 200,
    )
