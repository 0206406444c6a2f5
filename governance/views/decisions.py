"""The decisions register as a page: who decided what, with whom before and who against, and how the decisions are spread."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.cards import objections
from governance.reviews import concentration, decisions, decisions_counted, decisions_found
from governance.reviews.decisions_found import BadQuestion

PAGE = 50
FILTERS = ("person", "decision", "subject", "since", "until")


@login_required
@require_safe
def register(request: HttpRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "").replace("\0", "")[:200].strip() for name in FILTERS}
    faults: dict[str, str] = {}
    page = None
    try:
        found = decisions_found.found(
            person=asked["person"],
            decision=asked["decision"],
            subject=asked["subject"],
            since=decisions_found.day("since", asked["since"]),
            until=decisions_found.day("until", asked["until"]),
        )
        page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    except BadQuestion as error:
        faults[error.field] = str(error)
    context = {
        **asked,
        "faults": faults,
        "filtered": any(asked.values()),
        "page": page,
        "rows": decisions.rows(list(page.object_list)) if page else [],
        "labels": decisions.labels(),
        **({} if faults else figures(since=asked["since"], until=asked["until"])),
    }
    return render(request, "governance/decisions.html", context, status=400 if faults else 200)


def figures(*, since: str = "", until: str = "") -> dict[str, Any]:
    """R7.1 between two days, R7.2 and R7.8 over all."""
    found = decisions_found.found(
        since=decisions_found.day("since", since), until=decisions_found.day("until", until)
    )
    return {
        "authority": decisions_counted.authority(found),
        "duties": decisions_counted.duties(),
        "contested": objections.contested(),
        "weights": concentration.WEIGHTS,
        "most": decisions_counted.MOST,
    }
