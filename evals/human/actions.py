"""Open, close and cancel a study: each one transaction with its entry. What raters do is in `rating.py`."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from evals.human import judgements, pairs
from evals.human.events import StudyEvent
from evals.human.figures import figures
from evals.human.plan import Plan, usable
from evals.models import Study
from evals.stage import EVALUATED, EVALUATED_ON
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.canonical import sha256_hex
from governance.registry import actions, blobs, search
from governance.registry.actions import Refused
from governance.registry.models import Activity, Version, stamp

KIND = "human_comparison"
"""Kind of the activity that a closed study is."""
BASELINE, GUIDELINE, RATERS = "baseline", "guideline", "raters"
MANAGE = "evals:study:manage"
LONGEST_REASON = 2000
TRIES = 3


def open_study(plan: Plan, *, actor: Actor) -> Study:
    """Keep the pairs, and open the study over them. Raises Refused, MissingBlob, Inconsistent, OSError; then nothing is open."""
    made = pairs.made(plan.a, plan.b, plan.suite, task=plan.task, items=plan.items, seed=plan.seed)
    # Reading and keeping the answers comes before the transaction: dying in between leaves a blob that nothing names.
    sha256 = pairs.stored(made)
    study = Study(
        question=plan.question, evaluation_a=plan.a, evaluation_b=plan.b, model_a=plan.model_a, model_b=plan.model_b,
        suite=plan.suite, pool=plan.pool, guideline=plan.guideline, dimension=plan.dimension, needed=plan.needed,
        items=len(made), seed=plan.seed, margin=plan.margin, pairs_sha256=sha256,
        opened_by=actor.handle or actor.name, opened_at=timezone.now(),
    )  # fmt: skip
    with transaction.atomic():
        wanted = [version.pk for version in plan.versions]
        for version in (
            Version.objects.select_for_update(of=("self",)).select_related("artifact").filter(pk__in=wanted)
        ):
            usable(version)
        append(study, op=StudyEvent.OPENED, actor=actor)
        search.index(study)
    return study


def close(study: Study, *, reason: str = "", actor: Actor) -> Study:
    """Count the judgements, keep them as a file, and record both as an ended activity; from here on the results are public.

    Before all judgements are given this needs a reason, which is recorded. Raises Refused, MissingBlob, Inconsistent.
    """
    for _ in range(TRIES):
        seen = _outcome(Study.objects.get(pk=study.pk), reason)
        blobs.put_bytes(seen.lines)
        with transaction.atomic():
            row = _open(study)
            if row.judgements.count() != seen.given:
                continue
            return _closed(row, seen, actor=actor)
    raise Refused("Raters are judging while the study is being closed; close it again in a moment.")


@transaction.atomic
def cancel(study: Study, *, reason: str, actor: Actor) -> Study:
    """End the study without results; the judgements stay and are never shown. Raises Refused."""
    if not reason.strip():
        raise Refused("Say why the study is cancelled; the reason is recorded.")
    row = _open(study)
    row.state, row.reason, row.ended_at = Study.CANCELLED, _reason(reason), timezone.now()
    row.assignments.all().delete()
    append(row, op=StudyEvent.CANCELLED, actor=actor, fields=["state", "reason", "ended_at"])
    search.index(row)
    return row


class _Outcome:
    """What the judgements that are there come to."""

    def __init__(self, summary: Mapping[str, Any], lines: bytes, given: int, reason: str) -> None:
        self.summary, self.lines, self.given, self.reason = summary, lines, given, reason


def _outcome(study: Study, reason: str) -> _Outcome:
    """Raises Refused while there is nothing to count, or without a reason for closing early."""
    if study.state != Study.OPEN:
        raise Refused(ended(study))
    rows = judgements.rows(study)
    pairs_read = pairs.read(study.pairs_sha256)
    lengths = [(len(pair.a), len(pair.b)) for pair in pairs_read]
    answers = [judgements.answer(row) for row in rows]
    complete = judgements.counted(answers) >= study.items * study.needed
    if not complete and not reason.strip():
        raise Refused(
            f"{judgements.counted(answers)} of {study.items * study.needed} judgements are given. To close the study now, say "
            "why; the reason is recorded with the results."
        )
    try:
        found = figures(answers, lengths, margin=float(study.margin), seed=study.seed)
    except ValueError as error:
        raise Refused(
            "Fewer than 2 items were judged, so there is nothing to tell. Cancel the study."
        ) from error
    told = {"complete": complete, "wanted": study.items * study.needed, **found}
    return _Outcome(told, judgements.lines(rows, pairs_read), len(rows), "" if complete else _reason(reason))


def _closed(study: Study, seen: _Outcome, *, actor: Actor) -> Study:
    used = [
        (EVALUATED, study.model_a), (BASELINE, study.model_b), (EVALUATED_ON, study.suite),
        (GUIDELINE, study.guideline), (RATERS, study.pool),
    ]  # fmt: skip
    about = {
        "study": str(study.pk), "question": study.question, "needed": study.needed, "sampled": study.items,
        "seed": study.seed, "dimension": study.dimension or None, "opened_at": stamp(study.opened_at),
        "opened_by": study.opened_by, "pairs_sha256": study.pairs_sha256,
        "evaluations": {"a": str(study.evaluation_a_id), "b": str(study.evaluation_b_id)},
    }  # fmt: skip
    label = f"Comparison by people of {study.model_a.subject} and {study.model_b.subject}"
    activity = actions.start_activity(KIND, label[:200], used, summary=about, actor=actor)
    summary = {
        **seen.summary,
        "closed_early": seen.reason or None,
        "judgements_sha256": sha256_hex(seen.lines),
    }
    activity = actions.end_activity(activity, state=Activity.ENDED, summary=summary, actor=actor)
    study.state, study.reason, study.ended_at, study.activity = (
        Study.CLOSED, seen.reason, activity.ended_at, activity,
    )  # fmt: skip
    study.assignments.all().delete()
    append(
        study,
        op=StudyEvent.CLOSED,
        actor=actor,
        fields=["state", "reason", "ended_at", "activity"],
        summary={"P": {"judgements": summary["judgements_sha256"]}},
    )
    search.index(study)
    return study


def _open(study: Study) -> Study:
    """The study's row, locked. Raises Refused once it has ended."""
    row = locked(study)
    if row.state != Study.OPEN:
        raise Refused(ended(row))
    return row


def locked(study: Study) -> Study:
    """The study's row, so that nobody else judges, closes or cancels until the transaction ends."""
    return Study.objects.select_for_update(of=("self",)).select_related(*Study.NAMED).get(pk=study.pk)


def ended(study: Study) -> str:
    """That a study has ended, in a sentence."""
    return f"{study.title} is {study.state}; nothing more is judged in it."


def _reason(text: str) -> str:
    found = text.strip()
    if len(found) > LONGEST_REASON:
        raise Refused(f"The reason has {len(found):,} characters; at most {LONGEST_REASON:,} are kept.")
    return found
