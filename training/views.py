"""Runs as pages: the list, one run with its live curve, cancel and retry."""

import json
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from governance.ledger.append import Stale
from governance.ledger.models import Entry
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import blobs
from governance.registry.actions import Refused
from governance.views import entries
from training import actions, live, stages, states
from training.models import MetricRow, Run, RunEvent
from training.resolve import SpecRefused
from training.store import RECORDS

PAGE = 50
CHART_POINTS = 1500
TABLE_ROWS = 9
RECORD_LIMIT = 2**20
PATH = (states.QUEUED, states.CLAIMED, states.STARTING, states.RUNNING, states.SUCCEEDED)


@login_required
@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    stage, state = (request.GET.get(name, "").replace("\0", "")[:40] for name in ("stage", "state"))
    found = Run.objects.select_related("activity").order_by("-created_at")
    if stage:
        found = found.filter(stage=stage)
    if state:
        found = found.filter(state=state)
    page: Page[Any] = Paginator(found, PAGE).get_page(request.GET.get("page"))
    page.object_list = shown(list(page.object_list))
    return render(
        request,
        "training/run_list.html",
        {
            "page": page,
            "stages": [(kind.name, kind.title) for kind in stages.known()],
            "states": [(name, name.capitalize()) for name in states.STATES],
            "stage": stage,
            "state": state,
            "live_count": sum(row["state"] not in states.ENDED for row in page.object_list),
        },
    )


def shown(runs: list[Run]) -> list[dict[str, Any]]:
    """Rows for lists: two queries however many runs."""
    newest = newest_progress([run.pk for run in runs if run.state in states.ACTIVE])
    return [
        {
            "id": run.pk,
            "label": run.label,
            "stage": run.stage,
            "stage_title": title_of(run),
            "state": run.state,
            "progress": newest.get(run.pk),
            "requested_by": run.requested_by,
            "queued_at": run.created_at,
            "at": run.created_at,
            "duration": duration(run),
            "outputs": [edge["subject"] for edge in (run.activity.produced if run.activity else [])],
            "evaluation_id": run.activity_id if run.activity and run.activity.kind == "evaluation" else None,
        }
        for run in runs
    ]


def newest_progress(ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    events = RunEvent.objects.filter(run_id__in=ids, name="progress").order_by("seq")
    return {event.run_id: event.data for event in events}


def title_of(run: Run) -> str:
    try:
        return stages.get(run.stage).title
    except stages.UnknownStage:
        return run.stage


def duration(run: Run) -> str:
    if run.started_at is None:
        return ""
    seconds = int(((run.ended_at or timezone.now()) - run.started_at).total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"


def run_or_404(run_id: UUID) -> Run:
    run = Run.objects.select_related("activity", "recipe__artifact", "ledger_head").filter(pk=run_id).first()
    if run is None:
        raise Http404(f"There is no run {run_id}.")
    return run


@login_required
@require_safe
def run_detail(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    rows = list(thinned(run))
    history = list(Entry.objects.filter(object_type=Run.ledger_type, object_id=str(run.pk)).order_by("rev"))
    summary = run.activity.summary if run.activity else {}
    spec = run.spec
    run.seed, run.launcher = spec["seed"], spec["launcher"]  # type: ignore[attr-defined]
    return render(
        request,
        "training/run_detail.html",
        {
            "run": run,
            "stage_title": title_of(run),
            "live": not run.has_ended,
            "steps": steps(run, history),
            "progress": run.progress,
            "chart": chart(rows),
            "chart_text": chart_text(rows),
            "metrics": table(rows),
            "last_step": rows[-1].step if rows else 0,
            "last_event": run.events.order_by("-seq").values_list("seq", flat=True).first() or 0,
            "events": [
                {"at": event.at, "event": event.name, "text": live.sentence(event.name, event.data)}
                for event in run.events.exclude(name="progress").order_by("-seq")[:100]
            ],
            "inputs": [
                {"role": role.replace("_", " "), **pin}
                for role, pins in spec["inputs"].items()
                for pin in pins
            ],
            "outputs": manifest_of(summary),
            "products": [
                {"subject": edge["subject"], "role": edge["role"], "state": "sealed"}
                for edge in (run.activity.produced if run.activity else [])
            ],
            "config_rows": record(summary, "config_sha256")
            or [(name, str(value)) for name, value in spec["params"].items()],
            "environment_rows": record(summary, "environment_sha256"),
            "entries": entries.shown(reversed(history)),
            "can_cancel": run.state in {states.QUEUED, *states.ACTIVE} - {states.CANCELLING}
            and may(request.user, "training:run:cancel"),
            "can_retry": run.state in {states.FAILED, states.CANCELLED}
            and may(request.user, "training:run:launch"),
        },
    )


def steps(run: Run, history: list[Entry]) -> list[dict[str, Any]]:
    """The states that a run went through, and what is left of the way."""
    reached: dict[str, Any] = {}
    for entry in history:
        reached[entries.public(entry).get("state", {}).get("state", "")] = entry.at
    way = [
        *(state for state in PATH if state in reached or not run.has_ended),
        *(state for state in reached if state not in PATH),
    ]
    return [
        {"label": state.capitalize(), "status": _status(state, run, reached), "at": reached.get(state)}
        for state in way
        if state
    ]


def _status(state: str, run: Run, reached: dict[str, Any]) -> str:
    if state == run.state:
        return (
            "failed" if state in {states.FAILED, states.CANCELLED} else "done" if run.has_ended else "current"
        )
    return "done" if state in reached else "todo"


def thinned(run: Run) -> list[MetricRow]:
    """At most CHART_POINTS rows, evenly spread, the last one always among them."""
    count = run.metrics.count()
    every = max(1, count // CHART_POINTS)
    found = run.metrics.order_by("seq")
    if every > 1:
        last = found.last()
        return [*found.annotate(rest=F("seq") % every).filter(rest=0), *([last] if last else [])]
    return list(found)


def chart(rows: list[MetricRow]) -> dict[str, Any] | None:
    """Loss-like series on the left axis, learning rates on the right."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    drawn = [
        name
        for name in names
        if name.split("_")[-1] in {"loss", "accuracy", "reward", "entropy"} or name == "loss"
    ] or names[:2]
    if not drawn:
        return None
    series = [
        {
            "name": name,
            "x": [row.step for row in rows if _finite(row, name) is not None],
            "y": [y for row in rows if (y := _finite(row, name)) is not None],
            "axis": "left" if number == 0 else "right",
        }
        for number, name in enumerate(drawn[:4])
    ]
    return {"x_title": "step", "y_title": drawn[0], "series": series}


def _finite(row: MetricRow, name: str) -> float | None:
    """The value as a chart draws it; None for what the job left out or what is no number."""
    try:
        value = float(row.values[name])
    except (KeyError, ValueError):
        return None
    return value if isfinite(value) else None


def chart_text(rows: list[MetricRow]) -> str:
    losses = [(row.step, row.values["loss"]) for row in rows if "loss" in row.values]
    if len(losses) < 2:
        return ""
    (_, first), (step, last) = losses[0], losses[-1]
    way = "falls" if _number(last) < _number(first) else "rises"
    return f"loss {way} from {first[:6]} to {last[:6]} over {step} steps"


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def table(rows: list[MetricRow]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in rows for name in row.values))[:8]
    newest = rows[::-1][:TABLE_ROWS]
    return {
        "names": names,
        "rows": [
            {"step": row.step, "cells": [_cell(row.values.get(name, "")) for name in names]} for row in newest
        ],
    }


def _cell(whole: str) -> dict[str, str]:
    """A value at five digits beside the whole one (static/charts.js rounds what arrives later the same way)."""
    try:
        return {"text": f"{float(whole):.5g}" if "." in whole else whole, "whole": whole}
    except ValueError:
        return {"text": whole, "whole": whole}


def manifest_of(summary: dict[str, Any]) -> list[dict[str, Any]]:
    sha256 = (summary.get("outputs") or {}).get("manifest_sha256")
    try:
        return json.loads(blobs.read(sha256, RECORD_LIMIT)) if sha256 else []
    except (blobs.MissingBlob, ValueError):
        return []


def record(summary: dict[str, Any], name: str) -> list[tuple[str, str]]:
    """One of the job's JSON records as rows, nested values as compact text."""
    sha256 = summary.get(name)
    if name not in RECORDS or not sha256:
        return []
    try:
        found = json.loads(blobs.read(sha256, RECORD_LIMIT))
    except (blobs.MissingBlob, ValueError):
        return []
    return [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in sorted(found.items())
    ]


@login_required
@require_POST
def run_cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    require(request.user, "training:run:cancel")
    run = run_or_404(run_id)
    try:
        run = actions.cancel(run, actor=actor_for(request.user))
    except (Refused, Stale) as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            "The run is cancelled." if run.state == states.CANCELLED else "The job was asked to stop.",
        )
    return redirect("run", run_id)


@login_required
@require_POST
def run_retry(request: HttpRequest, run_id: UUID) -> HttpResponse:
    require(request.user, "training:run:launch")
    try:
        again = actions.retry(run_or_404(run_id), actor=actor_for(request.user))
    except (Refused, SpecRefused, Stale) as error:
        messages.error(request, str(error))
        return redirect("run", run_id)
    messages.success(request, "Queued once more.")
    return redirect("run", again.pk)


async def run_stream(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """Server-sent events of one run, from the step, the event and the state that the page shows (`after`, `event`, `state`);
    204 once the page shows its end, which tells the browser not to come back."""
    user = await request.auser()
    if not user.is_authenticated:
        return HttpResponse(status=403)
    run = await sync_to_async(run_or_404)(run_id)
    shown = request.GET.get("state") or run.state
    if run.has_ended and run.state == shown:
        return HttpResponse(status=204)
    stream = live.news(run.pk, shown, step=_number_of(request, "after"), event=_number_of(request, "event"))
    return StreamingHttpResponse(
        stream,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _number_of(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0
