"""A run's news as server-sent events, read from the database: any web process can serve them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from training.models import MetricRow, Run, RunEvent

POLL_SECONDS = 1.0
LONGEST_SECONDS = 3600
BATCH = 200


async def news(run_id: UUID, state: str, *, step: int, event: int) -> AsyncIterator[str]:
    """SSE messages `metrics`, `progress`, `log` and `state` (see static/charts.js) of what came after metric step `step` and
    event number `event`, until the run is in another state than `state`."""
    metric_seq, event_seq = await _last_seq(run_id, step), event
    for _ in range(int(LONGEST_SECONDS / POLL_SECONDS)):
        async for row in MetricRow.objects.filter(run_id=run_id, seq__gt=metric_seq).order_by("seq")[:BATCH]:
            metric_seq = row.seq
            yield message("metrics", {"step": row.step, "values": row.values})
        async for line in RunEvent.objects.filter(run_id=run_id, seq__gt=event_seq).order_by("seq")[:BATCH]:
            event_seq = line.seq
            yield told(line)
        now = await Run.objects.values_list("state", flat=True).aget(pk=run_id)
        if now != state:
            yield message("state", {"state": now})
            return
        yield ": still here\n\n"
        await asyncio.sleep(POLL_SECONDS)


async def _last_seq(run_id: UUID, step: int) -> int:
    row = await MetricRow.objects.filter(run_id=run_id, step__lte=step).order_by("-seq").afirst()
    return row.seq if row else 0


def told(event: RunEvent) -> str:
    if event.name == "progress":
        return message("progress", event.data)
    return message(
        "log", {"at": f"{event.at:%H:%M:%S}", "event": event.name, "text": sentence(event.name, event.data)}
    )


def sentence(name: str, data: dict[str, Any]) -> str:
    """What an event of a job says, for people."""
    if name == "log":
        return str(data.get("message", ""))
    if name == "phase":
        rest = {key: value for key, value in data.items() if key != "name"}
        return " ".join([str(data.get("name", "")), *_pairs(rest)])
    return " ".join(_pairs({key: value for key, value in data.items() if key != "files"}))


def _pairs(data: dict[str, Any]) -> list[str]:
    return [
        f"{key.replace('_', ' ')} {value}"
        for key, value in data.items()
        if value is not None and not isinstance(value, dict | list)
    ]


def message(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
