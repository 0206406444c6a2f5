"""What rooms above do once a version was registered: each registers a function in AppConfig.ready(), the doors call them all.

They run after the transaction, for doors alone: a run's product and the demo's content are registered without them.
"""

import logging
from collections.abc import Callable

from governance.ledger.actors import Actor
from governance.registry.models import Version

log = logging.getLogger("charter.registry")

Hook = Callable[[Version, Actor], str | None]
"""(version, who registered it) → one sentence for them, or None when there is nothing to say."""

_hooks: list[Hook] = []


def on_registered(hook: Hook) -> None:
    """Call `hook` after each registration through a door. Called in AppConfig.ready()."""
    if hook not in _hooks:
        _hooks.append(hook)


def registered(version: Version, actor: Actor) -> list[str]:
    """Call all hooks; returns what they have to say. One that fails fails nothing: it is logged, and told."""
    return [said for hook in _hooks if (said := _call(hook, version, actor))]


def _call(hook: Hook, version: Version, actor: Actor) -> str | None:
    try:
        return hook(version, actor)
    except Exception as error:
        log.exception("after the registration of %s", version.subject)
        return f"{version.subject} is registered, but what should follow failed ({hook.__name__}: {type(error).__name__}: {error})."
