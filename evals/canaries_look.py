"""What a canary makes of an evaluation of its own that has just ended: a reference, nothing, or an alarm.

The reference is the first evaluation that began after what answers at the runtime last changed on record: a period began or
ended there, or an alarm was closed. Every later one is held against it, and the e-values of all looks are added up.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any

from django.db import DatabaseError, transaction

from evals import canaries, records, regression
from evals.canaries_events import CanaryEvent
from evals.canaries_turn import actor_of
from evals.compare import NotLikeForLike, TaskComparison
from evals.comparison import compare_evaluations
from evals.models import Canary, CanaryAlarm
from evals.regression_sides import PAIRED_ALONE
from evals.statistics.chains import alarmed, e_text
from evals.statistics.decimals import text
from evals.statistics.watching import log_e_either, log_e_so_far, log_mean_e
from governance.evidence.records import Inconsistent
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.models import Entry
from governance.registry.blobs import MissingBlob
from governance.registry.models import Activity
from governance.releases import serving

log = logging.getLogger("charter.evals")


def after_activity(activity: Activity, _: Actor) -> None:
    """Look at a canary's evaluation that has just ended. What goes wrong here never costs the evaluation: it is logged."""
    if activity.kind != records.KIND or activity.state != Activity.ENDED:
        return
    for canary in Canary.objects.filter(state=Canary.ACTIVE, run__activity=activity):
        try:
            look(canary, activity)
        except DatabaseError:
            raise
        except Exception:
            log.exception("canary %s did not look at the evaluation %s", canary.pk, activity.pk)


@transaction.atomic
def look(canary: Canary, evaluation: Activity) -> CanaryAlarm | None:
    """Keep `evaluation` as the reference or hold it against the one there is; returns the alarm that this raised."""
    canary = canaries.alone(canary)
    if canary.state != Canary.ACTIVE or canary.evaluation_id == evaluation.pk:
        return None
    changed_id, since = _last_change(canary)
    canary.evaluation, canary.why = evaluation, ""
    told: dict[str, Any] = {}
    if _began(evaluation) < changed_id:
        canary.outcome = Canary.NOT_COMPARED
        canary.why = f"What answers at {canary.runtime.slug} changed on record while it was asked."
    elif not regression.measures(evaluation):
        canary.outcome, canary.why = Canary.NOT_COMPARED, "It kept no items."
    elif canary.reference is None or canary.since != since:
        canary.outcome = Canary.REFERENCE
        canary.reference, canary.since, canary.look, canary.log_e = evaluation, since, 0, ""
    else:
        told = _compared(canary, evaluation, canary.reference)
    append(canary, op=CanaryEvent.LOOKED, actor=actor_of(canary), fields=Canary.LOOK, summary={"P": told})
    return _raised(canary, told["tasks"]) if canary.outcome == Canary.CHANGED else None


def _compared(canary: Canary, evaluation: Activity, reference: Activity) -> dict[str, Any]:
    """What the comparison with the reference says; the canary holds what follows from it."""
    try:
        found = compare_evaluations(evaluation, reference).tasks
    except (NotLikeForLike, MissingBlob, Inconsistent) as error:
        canary.outcome, canary.why = Canary.NOT_COMPARED, str(error)
        return {}
    told = {
        "tasks": [_task(one) for one in found if one.method == PAIRED_ALONE],
        "not_watched": [one.task for one in found if one.method != PAIRED_ALONE],
    }
    if not told["tasks"]:
        canary.outcome = Canary.NOT_COMPARED
        canary.why = "No task of the suite scores single items 0 or 1, each a bet of its own."
        return told
    log_e = log_mean_e(
        [log_e_either(one.n01 or 0, one.n10 or 0) for one in found if one.method == PAIRED_ALONE]
    )
    before = float(canary.log_e) if canary.log_e else -math.inf
    canary.look += 1
    canary.log_e = text(log_e_so_far(before, canary.look, log_e))
    changed = alarmed(float(canary.log_e), float(canary.alpha))
    canary.outcome = Canary.CHANGED if changed else Canary.UNCHANGED
    return told


def _task(one: TaskComparison) -> dict[str, Any]:
    """The counts of one task: `lost` are items that only the reference got right, whatever way the metric counts."""
    lost, won = one.n01 or 0, one.n10 or 0
    return {"task": one.task, "n": one.n, "lost": lost, "won": won, "e": e_text(log_e_either(lost, won))}


def _raised(canary: Canary, tasks: list[Mapping[str, Any]]) -> CanaryAlarm | None:
    if canary.alarms.filter(reference=canary.reference).exists():
        return None
    alarm = CanaryAlarm(
        canary=canary, reference=canary.reference, evaluation=canary.evaluation, look=canary.look,
        e=e_text(float(canary.log_e)), tasks=tasks, at=serving.now(),
    )  # fmt: skip
    append(alarm, op=CanaryEvent.ALARM_RAISED, actor=actor_of(canary))
    return alarm


def _last_change(canary: Canary) -> tuple[int, str]:
    """Number and leaf hash of the newest entry that changed what is to be expected at the runtime; (0, "") without any."""
    heads = ("ledger_head__id", "ledger_head_id")
    periods = canary.runtime.periods.order_by("-ledger_head__id").values_list(*heads).first()
    closed = canary.alarms.filter(state=CanaryAlarm.CLOSED)
    alarms = closed.order_by("-ledger_head__id").values_list(*heads).first()
    return max((one for one in (periods, alarms) if one), default=(0, ""))


def _began(evaluation: Activity) -> int:
    """The number of the entry that began it, which was written before anything was asked."""
    entries = Entry.objects.filter(object_type=Activity.ledger_type, object_id=str(evaluation.pk), rev=1)
    return entries.values_list("id", flat=True).get()
