"""The ledger explorer: entries by what they are about, newest first, and the newest checkpoint."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.ledger import auditable, events, keys
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.note import TreeHead
from governance.views import entries, watch
from governance.views.about import NoSubject, about

PAGE = 50
COUNTED = 1_000
"""Entries that a filter counts at most: counting all of a large ledger would take seconds."""
FILTERS = ("type", "op", "actor", "subject", "since", "until", "q")


@login_required
@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "").replace("\0", "")[:200].strip() for name in FILTERS}
    faults: dict[str, str] = {}
    found = _filtered(asked, faults)
    page = _page(found, request.GET) if not faults else {"entries": []}
    return render(
        request,
        "governance/ledger.html",
        {
            "checkpoint": _checkpoint(),
            "pending": Entry.objects.filter(leaf_index__isnull=True).count(),
            "types": [model.ledger_type for model in auditable.registered()],
            "ops": events.known(),
            "filtered": any(asked.values()),
            "faults": faults,
            "count": found[: COUNTED + 1].count() if any(asked.values()) and not faults else None,
            "counted": COUNTED,
            "watch": None if any(asked.values()) or {"before", "after"} & set(request.GET) else watch.shown(),
            **asked,
            **page,
        },
        status=400 if faults else 200,
    )


def _filtered(asked: dict[str, str], faults: dict[str, str]) -> QuerySet[Entry]:
    """The entries asked for; what is wrong with the question is put into `faults`, by field."""
    found = Entry.objects.all()
    if asked["type"]:
        found = found.filter(object_type=asked["type"])
    if asked["op"]:
        found = found.filter(op__icontains=asked["op"])
    if asked["actor"]:
        found = found.filter(actor__icontains=asked["actor"])
    if asked["subject"]:
        try:
            found = found.filter(about(asked["subject"]))
        except NoSubject as error:
            faults["subject"] = str(error)
    found = found.filter(_between(asked, faults))
    return found.filter(_query(asked["q"]))


def _between(asked: dict[str, str], faults: dict[str, str]) -> Q:
    wanted = Q()
    for name, lookup, days in (("since", "at__gte", 0), ("until", "at__lt", 1)):
        if asked[name]:
            try:
                day = date.fromisoformat(asked[name]) + timedelta(days)
            except (ValueError, OverflowError):
                faults[name] = "Write a day as 2026-01-31."
                continue
            wanted &= Q(**{lookup: datetime.combine(day, time.min, UTC)})
    return wanted


def _query(q: str) -> Q:
    number = q.removeprefix("#")
    if number.isascii() and number.isdecimal() and len(number) < 16:
        return Q(leaf_index=int(number))
    if q:
        return Q(object_id__startswith=q) | Q(actor__icontains=q) | Q(leaf_hash__startswith=q.lower())
    return Q()


def _page(found: QuerySet[Entry], given: Any) -> dict[str, Any]:
    """Entries before or after a leaf index, newest first; without one those that still wait, then the newest."""
    before, after = _index(given.get("before")), _index(given.get("after"))
    placed = found.filter(leaf_index__isnull=False)
    if after is not None:
        rows = list(placed.filter(leaf_index__gt=after).order_by("leaf_index")[: PAGE + 1])
        newer, rows = len(rows) > PAGE, rows[PAGE - 1 :: -1] if len(rows) > PAGE else rows[::-1]
        older = True
    else:
        waiting = (
            [] if before is not None else list(found.filter(leaf_index__isnull=True).order_by("-id")[:PAGE])
        )
        limit = {} if before is None else {"leaf_index__lt": before}
        rows = list(placed.filter(**limit).order_by("-leaf_index")[: PAGE + 1])
        newer, older, rows = before is not None, len(rows) > PAGE, [*waiting, *rows[:PAGE]]
    places = [row.leaf_index for row in rows if row.leaf_index is not None]
    return {
        "entries": entries.shown(rows),
        "first": places[0] if places else None,
        "last": places[-1] if places else None,
        "newer": newer and bool(places),
        "older": older and bool(places) and places[-1] > 0,
    }


def _index(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdecimal() and len(given) < 16 else None


def _checkpoint() -> dict[str, Any] | None:
    newest = Checkpoint.objects.order_by("-size").first()
    if newest is None:
        return None
    try:
        names = [key.text for key in keys.policy().keys_at(newest.size)]
    except keys.KeyUnavailable:
        names = []
    head = TreeHead.of_note(newest.note)
    return {
        "size": newest.size,
        "at": newest.at,
        "origin": settings.LEDGER_ORIGIN,
        "root": head.root.hex(),
        "note": newest.note,
        "keys": names,
    }
