"""What people do with runs: queue, cancel, retry. Each is one transaction; the message leaves on commit."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.people.models import User
from governance.registry import search
from governance.registry.access import may_read
from governance.registry.actions import Refused
from governance.registry.models import Version
from training import dispatch, resolve, stages, states
from training.events import TrainingEvent
from training.models import Lease, Run
from training.spec import RunSpec, SpecDraft

CARRIED = {"init_from", "trained_on", "derived_from", "searched", "evaluations"}
"""Roles whose content a run's product carries on, or shows by what was left out because of it."""


def move(
    run: Run,
    after: str,
    *,
    op: TrainingEvent,
    actor: Actor,
    fields: Sequence[str] = (),
    summary: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Compare-and-swap the state of `run` and log it. Raises Refused for a move that does not exist, Stale when beaten."""
    if not states.may_move(run.state, after):
        raise Refused(f"The run is {run.state} and cannot become {after}.")
    run.state = after
    append(run, op=op, actor=actor, fields=["state", *fields], summary=summary)
    if "reason" in fields:
        search.index(run)


@transaction.atomic
def queue(
    draft: SpecDraft,
    *,
    actor: Actor,
    recipe: Version | None = None,
    stage_name: str = "",
    after: Run | None = None,
) -> Run:
    """Pin every input of `draft` and put the run in the queue. Raises SpecRefused, one sentence about one field."""
    spec = resolve.resolve(draft)
    _readable(spec, actor)
    return _queued(spec, actor=actor, recipe=recipe, stage_name=stage_name, after=after)


@transaction.atomic
def retry(run: Run, *, actor: Actor) -> Run:
    """A new run of the same spec, in the same place of its recipe. Raises Refused while `run` or a retry of it goes on
    or after it succeeded, SpecRefused when an input may not be used any more."""
    row = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if row.state not in {states.FAILED, states.CANCELLED}:
        raise Refused(f"The run is {row.state}; only a failed or cancelled run is retried.")
    # Two retries at once would both go on with the recipe.
    if again := row.retries.exclude(state__in=(states.FAILED, states.CANCELLED)).first():
        raise Refused(f"The run was retried already: run {again.pk} is {again.state}.")
    resolve.inputs_of(row.parsed)
    place = {"recipe": row.recipe, "stage_name": row.stage_name, "after": row.after}
    return _queued(row.parsed, actor=actor, retry_of=row, **place)


@transaction.atomic
def cancel(run: Run, *, actor: Actor) -> Run:
    """Ask a run to stop; one that nobody has started is cancelled at once. Raises Refused when it has ended."""
    row = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if row.state == states.QUEUED:
        row.ended_at = timezone.now()
        row.reason = "Cancelled before it began."
        move(row, states.CANCELLED, op=TrainingEvent.CANCELLED, actor=actor, fields=["ended_at", "reason"])
    elif row.state == states.CANCELLING:
        raise Refused("The run is already being cancelled; its job may finish its step first.")
    elif row.has_ended:
        raise Refused(f"The run has already {row.state.replace('cancelled', 'been cancelled')}.")
    else:
        move(row, states.CANCELLING, op=TrainingEvent.CANCEL_ASKED, actor=actor)
    return row


def _readable(spec: RunSpec, actor: Actor) -> None:
    """Refuse to train on, or from, what the accountable person may not read: the result would carry it out."""
    asker = User.objects.filter(account__handle=actor.handle).select_related("account").first()
    for role, versions in resolve.inputs_of(spec).items():
        for version in versions if role in CARRIED else ():
            if not may_read(asker, version):
                raise resolve.SpecRefused(
                    f"inputs.{role}",
                    f"{version.subject} is restricted to its authors, reviewers and auditors.",
                )


def _queued(spec: RunSpec, *, actor: Actor, **place: Any) -> Run:
    now = timezone.now()
    run = Run(
        label=_label(spec),
        stage=spec.stage,
        spec=spec.model_dump(mode="json"),
        spec_digest=spec.digest,
        requested_by=actor.handle or actor.name,
        created_at=now,
        **place,
    )
    append(run, op=TrainingEvent.QUEUED, actor=actor)
    search.index(run)
    Lease.objects.create(run=run, sent_at=now)
    transaction.on_commit(partial(dispatch.send, run.id))
    return run


def _label(spec: RunSpec) -> str:
    title = stages.get(spec.stage).title
    if spec.output:
        return f"{title} of {spec.output.slug}"[:200]
    first = [pinned.subject for inputs in spec.inputs.values() for pinned in inputs]
    return f"{title} of {', '.join(first)}"[:200]
