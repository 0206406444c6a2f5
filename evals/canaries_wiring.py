"""What canaries make known to the rooms below; called when evals starts."""

from collections.abc import Sequence

from evals import canaries, canaries_found, canaries_look, canaries_view
from evals.canaries_events import CanaryEvent
from evals.models import Canary, CanaryAlarm
from governance.ledger import auditable, events, triggers
from governance.ledger.models import Auditable
from governance.people.permissions import ENGINEER, RELEASE_MANAGER, REVIEWER, allow
from governance.registry import hooks, search
from governance.views.panels import on_home, on_runtime


def connect() -> None:
    events.register(CanaryEvent)
    _guarded(Canary, Canary.FROZEN, (*Canary.TURN, *Canary.LOOK, *Canary.ENDING), Canary.STATES)
    _guarded(CanaryAlarm, CanaryAlarm.RAISED, CanaryAlarm.CLOSING, CanaryAlarm.STATES)
    allow(canaries.MANAGE, ENGINEER, RELEASE_MANAGER)
    allow(canaries.CLOSE, RELEASE_MANAGER, REVIEWER)
    hooks.on_activity(canaries_look.after_activity)
    search.register(canaries_found.SOURCE)
    on_home(canaries_view.trouble)
    on_runtime(canaries_view.of_runtime)


def _guarded(
    model: type[Auditable], born: Sequence[str], open_only: Sequence[str], states: Sequence[str]
) -> None:
    """`born` never changes, `open_only` only in the first of `states`, which moves to the second and no further."""
    first, last = states
    auditable.register(model)
    triggers.register_rule(triggers.Frozen(model, tuple(born), unless={}))
    triggers.register_rule(triggers.Frozen(model, tuple(open_only), unless={"state": (first,)}))
    triggers.register_rule(triggers.Moves(model, "state", {first: (last,), last: ()}, (first,)))
