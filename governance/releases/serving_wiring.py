"""What runtimes, periods, alarms and emergencies make known to the rest of the house when Django starts."""

from collections.abc import Sequence

from governance.evidence import providers as evidence
from governance.ledger import auditable, events, triggers
from governance.ledger.models import Auditable
from governance.people.permissions import ENGINEER, RELEASE_MANAGER, REVIEWER, allow
from governance.releases import serving_facts
from governance.releases.models import DriftAlarm, Emergency, Runtime, ServingPeriod
from governance.releases.serving_events import ServingEvent


def ready() -> None:
    """Called in the room's AppConfig.ready()."""
    events.register(ServingEvent)
    for model in (Runtime, ServingPeriod, DriftAlarm, Emergency):
        auditable.register(model)
    _guard()
    allow("releases:runtime:create", RELEASE_MANAGER)
    allow("releases:runtime:retire", RELEASE_MANAGER)
    allow("releases:runtime:report", RELEASE_MANAGER, ENGINEER)
    allow("releases:serving:start", RELEASE_MANAGER)
    allow("releases:serving:end", RELEASE_MANAGER)
    allow("releases:drift:close", RELEASE_MANAGER, REVIEWER)
    allow("releases:emergency:act", RELEASE_MANAGER, REVIEWER, ENGINEER)
    allow("releases:emergency:review", RELEASE_MANAGER, REVIEWER)
    evidence.register("releases.serving", serving_facts.facts)


def _guard() -> None:
    _once(Runtime, Runtime.FROZEN, (), Runtime.STATES)
    _once(ServingPeriod, ServingPeriod.STARTED, ServingPeriod.ENDING, ServingPeriod.STATES)
    _once(DriftAlarm, DriftAlarm.RAISED, DriftAlarm.CLOSING, DriftAlarm.STATES)
    _once(Emergency, Emergency.ACT, Emergency.REVIEW, Emergency.STATES)


def _once(model: type[Auditable], born: Sequence[str], last: Sequence[str], states: Sequence[str]) -> None:
    """`born` never changes; the first of `states` moves to one of the others, and `last` is written with that move."""
    first, *after = states
    triggers.register_rule(triggers.Frozen(model, tuple(born), unless={}))
    if last:
        triggers.register_rule(triggers.Frozen(model, tuple(last), unless={"state": (first,)}))
    moves = {first: tuple(after), **dict.fromkeys(after, ())}
    triggers.register_rule(triggers.Moves(model, "state", moves, (first,)))
