"""Canaries: set and ended by people, and their alarms closed. evals.canaries_turn asks, evals.canaries_look compares."""

import re
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction

from evals.canaries_events import CanaryEvent
from evals.models import Canary, CanaryAlarm
from evals.stage import EVALUATED, EVALUATED_ON, STAGE
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry import lookup, search
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.releases import serving, serving_rules
from governance.releases.models import Runtime
from training import resolve
from training.methods import read
from training.spec import SpecDraft

MANAGE, CLOSE = "evals:canary:manage", "evals:canary:close"
LONGEST = 720
"""Hours between two turns at most."""
ALPHA = "0.01"
LEAST_ALPHA, MOST_ALPHA = Decimal("0.000001"), Decimal("0.5")
MOST_ACTIVE = 20
"""Active canaries of one runtime."""
JOINED = ("runtime", "model__artifact", "suite__artifact", "run", "reference", "evaluation")
_ALPHA = re.compile(r"0\.[0-9]{1,6}")


def alpha_of(given: object) -> Decimal:
    """The chance of a false alarm, as an exact decimal. Raises ContentError that names `alpha`."""
    text = str(given).strip()
    alpha = Decimal(text) if _ALPHA.fullmatch(text) else None
    if alpha is None or not LEAST_ALPHA <= alpha <= MOST_ALPHA:
        raise ContentError(
            "canary",
            [("alpha", f"write a decimal of at most 6 places from {LEAST_ALPHA:f} to {MOST_ALPHA}, such as {ALPHA}")],
        )  # fmt: skip
    return alpha


def draft(model: Version, suite: Version) -> SpecDraft:
    """The evaluation that a turn queues: every item once, at temperature 0, with the same seed each time."""
    order = {
        "stage": STAGE.name,
        "inputs": {EVALUATED: [model.subject], EVALUATED_ON: [suite.subject]},
        "params": {},
        "seed": 0,
    }
    return read(SpecDraft, order)


@transaction.atomic
def set_canary(
    runtime: Runtime, model: Version, suite: Version, *, every_hours: int, alpha: Decimal, actor: Actor
) -> Canary:
    """Ask `suite` of the endpoint of `model`, which stands for what answers at `runtime`, every so many hours, at once first.

    Raises ContentError naming each field at fault, SpecRefused where the evaluation could not be queued, Refused.
    """
    if not 1 <= every_hours <= LONGEST:
        raise ContentError("canary", [("every_hours", f"write 1 to {LONGEST} whole hours")])
    alpha = alpha_of(f"{alpha:f}")
    runtime = serving.alone(runtime)
    if runtime.state != Runtime.ACTIVE:
        raise Refused(f"The runtime {runtime.slug} is retired.")
    resolve.resolve(draft(model, suite))
    _require_askable(model, suite)
    if Canary.objects.filter(runtime=runtime, state=Canary.ACTIVE).count() >= MOST_ACTIVE:
        raise Refused(f"{MOST_ACTIVE} canaries are active at {runtime.slug}; end one first.")
    moment = serving.now()
    canary = Canary(
        runtime=runtime, model=model, suite=suite, every_hours=every_hours, alpha=alpha, at=moment, due_at=moment,
        by=serving.handle_of(actor),
    )  # fmt: skip
    try:
        with transaction.atomic():
            append(canary, op=CanaryEvent.SET, actor=actor)
            search.index(canary)
    except IntegrityError as error:
        if not Canary.objects.filter(runtime=runtime, model=model, suite=suite, state=Canary.ACTIVE).exists():
            raise
        raise Refused(
            f"{suite.subject} is asked of {model.subject} at {runtime.slug} already; end that canary first."
        ) from error
    return canary


@transaction.atomic
def end(canary: Canary, *, reason: str, actor: Actor) -> Canary:
    """It is asked no more; a run that goes on is not looked at. Raises Refused when it has ended, ContentError without a reason."""
    serving_rules.check_words("canary", reason=reason)
    canary = alone(canary)
    if canary.state != Canary.ACTIVE:
        raise Refused(f"{canary.ended_by} has ended it already.")
    canary.state, canary.reason = Canary.ENDED, reason.strip()
    canary.ended_at, canary.ended_by = serving.now(), serving.handle_of(actor)
    append(canary, op=CanaryEvent.ENDED, actor=actor, fields=["state", *Canary.ENDING])
    search.index(canary)
    return canary


@transaction.atomic
def close(alarm: CanaryAlarm, *, reason: str, actor: Actor) -> CanaryAlarm:
    """A person says what became of it; the next evaluation that begins is the new reference.

    Raises Refused when it is closed already, ContentError without a reason.
    """
    serving_rules.check_words("alarm", reason=reason)
    rows = CanaryAlarm.objects.select_for_update(of=("self",)).select_related("canary__runtime")
    alarm = rows.get(pk=alarm.pk)
    if alarm.state != CanaryAlarm.OPEN:
        raise Refused(f"{alarm.closed_by} has closed it already.")
    alarm.state, alarm.reason = CanaryAlarm.CLOSED, reason.strip()
    alarm.closed_at, alarm.closed_by = serving.now(), serving.handle_of(actor)
    append(alarm, op=CanaryEvent.ALARM_CLOSED, actor=actor, fields=["state", *CanaryAlarm.CLOSING])
    return alarm


def alone(canary: Canary) -> Canary:
    """The canary, locked: one turn, look or end of it at a time."""
    return Canary.objects.select_for_update(of=("self",)).select_related(*JOINED).get(pk=canary.pk)


def find(id: UUID | str) -> Canary:
    """The canary with that id. Raises NotFound."""
    try:
        key = UUID(str(id))
    except ValueError:
        key = None
    found = Canary.objects.select_related(*JOINED).filter(pk=key).first() if key else None
    if found is None:
        raise lookup.NotFound(f"There is no canary {str(id)[:80]}; `manage.py canary` lists them.")
    return found


def find_alarm(id: UUID) -> CanaryAlarm:
    """The alarm with that id. Raises NotFound."""
    found = CanaryAlarm.objects.select_related("canary__runtime").filter(pk=id).first()
    if found is None:
        raise lookup.NotFound(f"There is no alarm of a canary {id}.")
    return found


def _require_askable(model: Version, suite: Version) -> None:
    """Raise Refused for a model that is not asked at an address, or a suite that this address cannot be asked."""
    endpoint = (model.content or {}).get("endpoint")
    if not endpoint:
        raise Refused(
            f"model: {model.subject} is not asked at an address; register what answers at the runtime with an `endpoint`."
        )
    templated = bool((suite.content or {}).get("chat_template", True))
    if (endpoint["flavour"] == "chat") != templated:
        how = "through a chat template" if templated else "without a chat template"
        raise Refused(
            f"suite: {suite.subject} asks {how}, which an endpoint of the flavour {endpoint['flavour']} cannot be asked."
        )
