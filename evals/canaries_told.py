"""What is shown of canaries: how each of them is, in a word and a sentence, and which need somebody."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet

from evals.canaries import JOINED
from evals.models import Canary, CanaryAlarm
from evals.statistics.chains import e_text
from governance.registry.models import stamp
from governance.releases.models import Runtime

SILENT_AFTER = 2
"""Turns in a row that fail until a canary counts as one that does not answer."""
LOOKED_AT = 200
"""Open alarms and failing canaries that the first page looks at, of each the newest."""

ALARM, RETIRED, SILENT, WAITING, WATCHING, ENDED = WORDS = (
    "alarm",
    "retired",
    "silent",
    "waiting",
    "watching",
    "ended",
)


def listed(**wanted: Any) -> QuerySet[Canary]:
    """Canaries with their open alarms, newest first, in as many queries for all as for one."""
    open_alarms = CanaryAlarm.objects.filter(state=CanaryAlarm.OPEN).select_related("canary__runtime")
    found = Canary.objects.filter(**wanted).select_related(*JOINED)
    return found.prefetch_related(Prefetch("alarms", open_alarms, to_attr="open_alarms"))


def e_value(canary: Canary) -> str | None:
    """The e-value of all looks at the present reference, as decimal text; None before the first."""
    return e_text(float(canary.log_e)) if canary.log_e else None


def is_asked(canary: Canary) -> bool:
    """Whether it has a next turn."""
    return canary.state == Canary.ACTIVE and canary.runtime.state == Runtime.ACTIVE


def word(canary: Canary, alarms: Sequence[CanaryAlarm]) -> str:
    """How it is, in one of WORDS; `alarms` are its open ones."""
    if canary.state == Canary.ENDED:
        return ENDED
    if alarms:
        return ALARM
    if canary.runtime.state == Runtime.RETIRED:
        return RETIRED
    if canary.failed_in_a_row >= SILENT_AFTER:
        return SILENT
    return WATCHING if canary.reference else WAITING


def sentence(canary: Canary, alarms: Sequence[CanaryAlarm]) -> str:
    """The same for people."""
    match word(canary, alarms):
        case "ended":
            return f"{canary.ended_by} has ended it: {canary.reason}"
        case "alarm":
            return about(alarms[0])
        case "retired":
            return f"{canary.runtime.slug} is retired, so nothing is asked there; end the canary."
        case "silent":
            why = canary.refused or (canary.run.reason if canary.run else "")
            return (
                f"The canary does not answer: {canary.failed_in_a_row} turns in a row failed. {why}".strip()
            )
        case "waiting":
            return "No evaluation has ended yet that later ones could be held against."
    if canary.outcome == Canary.NOT_COMPARED:
        return f"The newest evaluation was not compared: {canary.why}"
    if canary.outcome == Canary.REFERENCE:
        return "The newest evaluation is the reference for those to come."
    return f"Nothing says that the answers changed, over {canary.look} look{'' if canary.look == 1 else 's'}."


def about(alarm: CanaryAlarm) -> str:
    """What an alarm says."""
    counts = "; ".join(
        f"{one['task']}: {one['lost']} lost and {one['won']} won of {one['n']}"
        for one in alarm.tasks
        if one["lost"] or one["won"]
    )
    where = alarm.canary.runtime.slug
    return f"The answers at {where} changed without a release ({counts or 'over earlier looks'}; e-value {alarm.e})."


def needing() -> list[tuple[Canary, str]]:
    """Active canaries with an open alarm or without an answer, each with its sentence; those that ended with an alarm too."""
    alarmed = CanaryAlarm.objects.filter(state=CanaryAlarm.OPEN).values_list("canary", flat=True)[:LOOKED_AT]
    failing = Canary.objects.filter(state=Canary.ACTIVE, failures__gt=0).values_list("pk", flat=True)[
        :LOOKED_AT
    ]
    found: list[tuple[Canary, str]] = []
    for canary in listed(pk__in={*alarmed, *failing}):
        alarms = canary.open_alarms  # type: ignore[attr-defined]
        if alarms:
            found.append((canary, about(alarms[0])))
        elif word(canary, alarms) == SILENT:
            found.append((canary, sentence(canary, alarms)))
    return found


def record(canary: Canary) -> Mapping[str, Any]:
    """A canary of `listed` as plain data, for scripts and the API."""
    alarms = canary.open_alarms  # type: ignore[attr-defined]
    return {
        "id": str(canary.pk),
        "runtime": canary.runtime.slug,
        "model": canary.model.subject,
        "suite": canary.suite.subject,
        "every_hours": canary.every_hours,
        "alpha": canary.ledger_state()["P"]["alpha"],
        "by": canary.by,
        "at": stamp(canary.at),
        "state": canary.state,
        "how": word(canary, alarms),
        "sentence": sentence(canary, alarms),
        "run": str(canary.run_id) if canary.run_id else None,
        "run_state": canary.run.state if canary.run else None,
        "due_at": stamp(canary.due_at) if is_asked(canary) else None,
        "reference": str(canary.reference_id) if canary.reference_id else None,
        "evaluation": str(canary.evaluation_id) if canary.evaluation_id else None,
        "look": canary.look,
        "e": e_value(canary),
        "reason": canary.reason or None,
    }
