"""Did a new version get worse? Once an evaluation has ended, the model is held against its line's anchor and its predecessor.

The answer is an activity of its own, recorded in the transaction that ends the evaluation: neither stands without the other.
Dying before the commit leaves neither; whoever records the evaluation again records the answer again, once.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from evals import lines, records, regression_sides
from evals.compare import NotLikeForLike
from evals.comparison import compare_evaluations, pins_of
from evals.regression_sides import ANCHOR, PREDECESSOR, Record
from evals.stage import EVALUATED, EVALUATED_ON
from evals.statistics.chains import Held, together
from evals.statistics.decimals import text
from evals.statistics.sequential import spent_alpha
from governance.evidence.records import Inconsistent
from governance.ledger.actors import Actor
from governance.registry import actions
from governance.registry.blobs import MissingBlob
from governance.registry.models import Activity, Artifact, Version
from governance.registry.recording import was_recorded

KIND = "regression"
"""Kind of the activities that these answers are."""
SCHEMA = "regression/1"
BASELINE = "baseline"
"""Role of what the model was held against."""
TRIED = 5
"""Evaluations of a baseline that are tried, best first, until one is like for like."""
MOST_LOOKS = 1_000

log = logging.getLogger("charter.evals")


@dataclass(frozen=True)
class Measured:
    """The evaluation that has just ended, and what it is about."""

    evaluation: Activity
    model: Version
    suite: Version


def after_activity(activity: Activity, actor: Actor) -> None:
    """Answer for an evaluation that has just ended. What goes wrong here never costs the evaluation: it is logged."""
    if activity.kind != records.KIND or activity.state != Activity.ENDED:
        return
    try:
        with transaction.atomic():
            record(activity, actor=actor)
    except DatabaseError:
        raise
    except Exception:
        log.exception("no regression was recorded for the evaluation %s", activity.pk)


@transaction.atomic
def record(evaluation: Activity, *, actor: Actor) -> Activity | None:
    """The answer for an ended evaluation; the one there is, if the same evaluations were compared for it before.

    None where there is nothing to hold it against, or nothing to compare: a trial, or no items.
    """
    if not measures(evaluation):
        return None
    found = _measured(evaluation)
    # One answer at a time over a line: the number of a look is counted.
    Artifact.objects.select_for_update().get(pk=found.model.artifact_id)
    against = baselines(found.model)
    if not against:
        return None
    sides = [_side(found, role, model) for role, model in against]
    earlier = [one.summary for one in of_line(found.model, found.suite)[:MOST_LOOKS]]
    if again := _before(evaluation, sides):
        return again
    summary = _summary(found, sides, earlier)
    used = [(EVALUATED, found.model), (EVALUATED_ON, found.suite)]
    used += [(BASELINE, model) for model in dict.fromkeys(model for _, model in against)]
    activity = actions.start_activity(KIND, _label(found.model), used, summary={}, actor=actor)
    return actions.end_activity(activity, state=Activity.ENDED, summary=summary, actor=actor)


def of_line(model: Version, suite: Version) -> QuerySet[Activity]:
    """The answers for all versions of the model's line on a suite, newest first."""
    found = Activity.objects.filter(
        kind=KIND, state=Activity.ENDED, usages__version=suite, usages__role=EVALUATED_ON
    )
    return found.filter(summary__line=model.artifact.name).order_by("-ledger_head__id")


def of_model(model: Version) -> QuerySet[Activity]:
    """The answers for one version, newest first."""
    found = Activity.objects.filter(
        kind=KIND, state=Activity.ENDED, usages__version=model, usages__role=EVALUATED
    )
    return found.order_by("-ledger_head__id")


def newest(model: Version) -> list[Record]:
    """The newest answer on each suite, the newest first."""
    found: dict[str, Record] = {}
    for activity in of_model(model)[:MOST_LOOKS]:
        found.setdefault(activity.summary["suite"], {**activity.summary, "id": str(activity.pk)})
    return list(found.values())


def measures(activity: Activity) -> bool:
    """Whether an ended evaluation asked whole tasks and kept its items, so that it can be held against others."""
    return activity.summary.get("limit") is None and pins_of(activity.summary) is not None


def baselines(model: Version) -> list[tuple[str, Version]]:
    """(role, model) of what a version is held against: an anchor that is older than it, and its predecessor."""
    anchor, predecessor = lines.anchor_of(model.artifact), lines.predecessor_of(model)
    older = anchor.version if anchor is not None and anchor.version.number < model.number else None
    named = ((ANCHOR, older), (PREDECESSOR, predecessor))
    return [(role, version) for role, version in named if version is not None]


def _measured(evaluation: Activity) -> Measured:
    used = {usage.role: usage.version for usage in evaluation.usages.select_related("version__artifact")}
    return Measured(evaluation, used[EVALUATED], used[EVALUATED_ON])


def _side(found: Measured, role: str, baseline: Version) -> Record:
    """What the comparison with one baseline says, or why there is none."""
    side = regression_sides.empty(role, baseline.subject, str(baseline.digest))
    side["why"] = f"{baseline.subject} has no whole evaluation on {found.suite.subject} that kept its items."
    for number, other in enumerate(_comparable(found, baseline)):
        try:
            comparison = compare_evaluations(found.evaluation, other)
        except (NotLikeForLike, MissingBlob, Inconsistent) as error:
            if number == 0:
                side |= {"why": str(error), "field": getattr(error, "field", None)}
            continue
        side |= {"evaluation": str(other.pk), "why": None, "field": None}
        side["imported"] = was_recorded(other.summary)
        results = _results(found.evaluation), _results(other)
        purposes = {name: str(one.get("purpose", "")) for name, one in results[0].items()}
        return regression_sides.compared(side, comparison, purposes, results[0].keys() ^ results[1].keys())
    return side


def _comparable(found: Measured, baseline: Version) -> Iterator[Activity]:
    """Whole evaluations of the baseline on the suite: those that Charter saw before those that were brought in, newest first."""
    rows = records.of_model(baseline).filter(
        state=Activity.ENDED, pk__in=records.on_suite(found.suite).order_by().values("pk")
    )
    whole = [one for one in rows.exclude(pk=found.evaluation.pk)[:MOST_LOOKS] if measures(one)]
    yield from sorted(whole, key=lambda one: was_recorded(one.summary))[:TRIED]


def _results(evaluation: Activity) -> dict[str, Record]:
    return {str(one["task"]): one for one in evaluation.summary.get("results") or []}


def _summary(found: Measured, sides: Sequence[Record], earlier: Sequence[Record]) -> Record:
    look = 1 + len(earlier)
    claimed = {side["against"]: regression_sides.with_claims(side, look) for side in sides}
    if ANCHOR in claimed:
        claimed[ANCHOR] = regression_sides.with_chain(
            claimed[ANCHOR], claimed.get(PREDECESSOR), earlier, look
        )
    return {
        "schema": SCHEMA,
        "line": found.model.artifact.name,
        "model": found.model.subject,
        "suite": found.suite.subject,
        "evaluation": str(found.evaluation.pk),
        "items_sha256": found.evaluation.summary["items_sha256"],
        "imported": was_recorded(found.evaluation.summary) or any(side["imported"] for side in sides),
        "look": look,
        "alpha": text(spent_alpha(look)),
        "held": str(together(Held(side["held"]) for side in sides)),
        "sides": list(claimed.values()),
    }


def _before(evaluation: Activity, sides: Sequence[Record]) -> Activity | None:
    """The answer that compared just these evaluations."""
    wanted = [(side["against"], side["model"], side["evaluation"]) for side in sides]
    for one in Activity.objects.filter(kind=KIND, summary__evaluation=str(evaluation.pk)):
        if [(side["against"], side["model"], side["evaluation"]) for side in one.summary["sides"]] == wanted:
            return one
    return None


def _label(model: Version) -> str:
    return f"Regression check of {model.subject}"
