"""What rooms above do when something happened here: each registers a function in AppConfig.ready().

Those of a registration run after the transaction, for doors alone: a run's product and the demo's content are registered
without them. Those of an activity run inside the transaction that records its start or its end, whoever records it.
"""

import logging
from collections.abc import Callable

from governance.ledger.actors import Actor
from governance.registry.models import Activity, Version

log = logging.getLogger("charter.registry")

Hook = Callable[[Version, Actor], str | None]
"""(version, who registered it) → one sentence for them, or None when there is nothing to say."""

Step = Callable[[Activity, Actor], None]
"""(an activity that just started or ended, who recorded that). What it raises undoes the record."""

_hooks: list[Hook] = []
_steps: list[Step] = []


def on_registered(hook: Hook) -> None:
    """Call `hook` after each registration through a door. Called in AppConfig.ready()."""
    if hook not in _hooks:
        _hooks.append(hook)


def on_activity(step: Step) -> None:
    """Call `step` whenever an activity starts or ends. Called in AppConfig.ready()."""
    if step not in _steps:
        _steps.append(step)


def activity_moved(activity: Activity, actor: Actor) -> None:
    for step in _steps:
        step(activity, actor)


def registered(version: Version, actor: Actor) -> list[str]:
    """Call all hooks; returns what they have to say. One that fails fails nothing: it is logged, and told."""
    return [said for hook in _hooks if (said := _call(hook, version, actor))]


def _call(hook: Hook, version: Version, actor: Actor) -> str | None:
    try:
        return hook(version, actor)
    except Exception as error:
        log.exception("after the registration of %s", version.subject)
        return f"{version.subject} is registered, but what should follow failed ({hook.__name__}: {type(error).__name__}: {error})."
