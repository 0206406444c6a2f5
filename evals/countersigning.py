"""An outside party's signed word on an evaluation of ours: verified, held against our scores, and recorded with its key."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from evals.countersigned import Score, Signed, fingerprint, held_against, key_of, read
from evals.records import KIND as EVALUATION
from evals.stage import EVALUATED, EVALUATED_ON
from governance.ledger.actors import Actor
from governance.registry import actions, blobs
from governance.registry.actions import Refused
from governance.registry.models import Activity, Version

KIND = "countersignature"
ACTION = "evals:evaluation:countersign"
LARGEST = 256 * 2**10
"""Bytes of an envelope."""


@transaction.atomic
def record(evaluation: Activity, envelope: bytes, vkey: str, *, actor: Actor) -> Activity:
    """Record what `vkey`'s owner signed about `evaluation`; whoever calls it vouches that the key is theirs.

    Raises BadStatement for what is not signed or not as agreed, Refused for what is about something else or recorded already.
    """
    # One at a time over an evaluation: the same envelope is recorded once.
    evaluation = Activity.objects.select_for_update().get(pk=evaluation.pk)
    if evaluation.kind != EVALUATION or evaluation.state != Activity.ENDED:
        raise Refused(f"{evaluation.label} is no evaluation that ended; only such are countersigned.")
    if len(envelope) > LARGEST:
        raise Refused(f"The envelope has {len(envelope):,} bytes; at most {LARGEST:,} are read.")
    key = key_of(vkey)
    if key.name == settings.LEDGER_ORIGIN:
        raise Refused("The key carries the name of this ledger: who signs here is no outside party.")
    signed = read(envelope, key)
    model, suite = _subjects(evaluation)
    _require_same("suite", signed.suite, suite.digest)
    _require_same("weights", signed.weights, (model.content or {}).get("weights_digest"))
    stored = blobs.put_bytes(envelope).sha256
    _require_new(evaluation, stored, key.name, key.text)
    summary = {
        "evaluation": str(evaluation.pk),
        "party": key.name,
        "key": key.text,
        "fingerprint": fingerprint(key),
        "envelope_sha256": stored,
        "tasks": held_against(_results(signed), {one["task"]: one for one in evaluation.summary["results"]}),
    }
    used = [(EVALUATED, model), (EVALUATED_ON, suite)]
    label = f"Countersignature of {key.name} for {model.subject}"
    activity = actions.start_activity(KIND, label, used, summary=summary, actor=actor)
    return actions.end_activity(activity, state=Activity.ENDED, summary={}, actor=actor)


def of(evaluation: Activity) -> QuerySet[Activity]:
    """The countersignatures of an evaluation, oldest first."""
    return Activity.objects.filter(kind=KIND, summary__evaluation=str(evaluation.pk)).order_by(
        "started_at", "id"
    )


def told(activity: Activity) -> dict[str, Any]:
    """A countersignature as doors tell it."""
    names = ("evaluation", "party", "fingerprint", "envelope_sha256", "tasks")
    return {"id": str(activity.pk), "by": activity.by, **{name: activity.summary[name] for name in names}}


def _results(signed: Signed) -> list[Score]:
    return sorted(signed.results, key=lambda one: one.task)


def _subjects(evaluation: Activity) -> tuple[Version, Version]:
    used = {usage.role: usage.version for usage in evaluation.usages.select_related("version__artifact")}
    return used[EVALUATED], used[EVALUATED_ON]


def _require_same(name: str, signed: str, ours: str | None) -> None:
    if ours is None:
        raise Refused(f"Which {name} were measured is not known here, so nobody can countersign it.")
    if signed != ours:
        raise Refused(f"The statement is about {name} with the digest {signed}, and ours has {ours}.")


def _require_new(evaluation: Activity, envelope: str, party: str, vkey: str) -> None:
    if of(evaluation).filter(summary__envelope_sha256=envelope).exists():
        raise Refused("This envelope is recorded for the evaluation already.")
    known = Activity.objects.filter(kind=KIND, summary__party=party).order_by("started_at").first()
    if known is not None and known.summary["key"] != vkey:
        raise Refused(
            f"{party} has signed with another key before (fingerprint {known.summary['fingerprint']}); a new key needs a new name."
        )
