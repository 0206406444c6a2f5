"""What must hold before a version of some kind may be approved. Rooms above register their conditions here."""

from collections import defaultdict
from collections.abc import Callable

from governance.registry.models import Version

Condition = Callable[[Version], str | None]
"""Returns why the version may not be approved now, or None."""

_conditions: dict[str, list[Condition]] = defaultdict(list)


def register(kind: str, condition: Condition) -> None:
    if condition not in _conditions[kind]:
        _conditions[kind].append(condition)


def obstacles(version: Version) -> list[str]:
    """Sentences that say what stands in the way of approving `version`."""
    return [why for condition in _conditions[version.kind] if (why := condition(version))]
