"""Uses of suites that Charter sees by itself: a gate that read results, and a training that follows a look at them.

The rule for a refusal: as long as the newest verdict (passed or refused) of the gates over a model line's releases is
`refused`, every training into that line counts as a recipe use of each suite whose results that gate read.
"""

from collections.abc import Iterator
from uuid import UUID

from evals import contamination, uses
from evals.models import SuiteUse
from evals.stage import EVALUATED
from governance.evidence.facts import Document
from governance.ledger.actors import Actor
from governance.registry import lookup
from governance.registry.models import Activity
from governance.releases.gates import Report
from governance.releases.models import GateReport
from training.models import Run

MAKERS = ("training", "merging")
"""Kinds of activity that make the next version of a model."""
OTHER_STAGES = ("reward",)
"""Stages of training whose product is no model, even where it has a model's name."""
OF_DATA = ("generation", "labelling")
TOLD = ("results", "refusal_results", "comparison")
"""Fields of the evidence whose keys name a task of a suite."""
MODEL = "model:"


def by_gate(row: GateReport, report: Report, actor: Actor) -> None:
    """One `gate` use of each suite of which a rule read a result."""
    for subject in sorted(suites_read(report)):
        uses.note(
            lookup.find(subject),
            purpose=SuiteUse.GATE,
            served=row.version.subject,
            reason=f"The gate of {row.version.subject} read results on this suite: {row.verdict} at {row.evidence_size} entries.",
            cause=cause_of(row),
            actor=actor,
        )


def suites_read(report: Report) -> set[str]:
    """Subjects of the suites that stand behind the values that the rules read."""
    keys = (fact["key"] for rule in report.rules for fact in rule.facts if fact["value"] is not None)
    return {subject for key in keys if (subject := _suite_behind(key, report.document))}


def cause_of(row: GateReport | Activity) -> str:
    return f"{row.ledger_type}:{row.pk}"


def by_activity(activity: Activity, actor: Actor) -> None:
    """Uses that a training or another work makes of suites: named as an input, or followed after a gate's refusal."""
    if activity.kind == contamination.KIND or any(edge["role"] == EVALUATED for edge in activity.used):
        return
    if activity.state == Activity.STARTED:
        _named(activity, actor)
    if activity.kind in MAKERS:
        for slug in _made(activity):
            _retrained(activity, slug, actor)


def _suite_behind(key: str, document: Document) -> str | None:
    field, _, rest = key.partition(".")
    group = rest.partition(".")[0]
    if field == "suites":
        fact = document.get(f"suites.{group}.subject")
    elif field in TOLD:
        task = group.removesuffix("-anchor").removesuffix("-predecessor")
        fact = document.get(f"results.{task}.suite")
    else:
        return None
    return str(fact.value) if fact is not None and fact.value is not None else None


def _named(activity: Activity, actor: Actor) -> None:
    for edge in activity.used:
        if edge["subject"].startswith(f"{uses.SUITE}:"):
            uses.note(
                lookup.find(edge["subject"]),
                purpose=SuiteUse.DATA if activity.kind in OF_DATA else SuiteUse.RECIPE,
                served=_served(activity),
                reason=f"{activity.label} used this suite as {edge['role']}, to choose by.",
                cause=cause_of(activity),
                actor=actor,
            )


def _made(activity: Activity) -> Iterator[str]:
    """Slugs of the models that it makes: those that a run's order names, else those that it produced."""
    run = _run_of(activity)
    if run is not None:
        output = run.parsed.output
        if output is not None and activity.state == Activity.STARTED and run.stage not in OTHER_STAGES:
            yield output.slug
        return
    for edge in activity.produced if activity.state == Activity.ENDED else ():
        if edge["subject"].startswith(MODEL):
            yield edge["subject"].removeprefix(MODEL).partition("@")[0]


def _run_of(activity: Activity) -> Run | None:
    """The run that its start names; it is not linked to the activity before that has begun."""
    try:
        named = UUID(str(activity.summary.get("run")))
    except ValueError:
        return None
    return Run.objects.filter(pk=named).first()


def _retrained(activity: Activity, slug: str, actor: Actor) -> None:
    refusal = refusal_before(slug, activity)
    if refusal is None:
        return
    for read in SuiteUse.objects.filter(cause=cause_of(refusal), purpose=SuiteUse.GATE).select_related(
        "suite__artifact"
    ):
        uses.note(
            read.suite,
            purpose=SuiteUse.RECIPE,
            served=_served(activity),
            reason=(
                f"{activity.label} trains {MODEL}{slug} again after the gate refused {refusal.version.subject}"
                f" (gate report {refusal.pk}), which read results on this suite."
            ),
            cause=cause_of(activity),
            actor=actor,
        )


def refusal_before(slug: str, activity: Activity) -> GateReport | None:
    """The refusal that the newest verdict over releases of `model:slug` was when the activity began, if it was one."""
    decided = GateReport.objects.filter(
        verdict__in=(GateReport.PASSED, GateReport.REFUSED),
        version__content__model__subject__startswith=f"{MODEL}{slug}@",
        at__lte=activity.started_at,
    )
    newest = decided.select_related("version__artifact").order_by("-ledger_head__id").first()
    return newest if newest is not None and newest.verdict == GateReport.REFUSED else None


def _served(activity: Activity) -> str:
    run = activity.summary.get("run")
    return f"run {run}" if isinstance(run, str) else f"activity {activity.pk}"
