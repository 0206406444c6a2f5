"""The kinds of artifact in groups, as lists and menus show them."""

from governance.registry.kinds import KINDS
from governance.registry.kinds.base import Kind

GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "models": ("Models", ("model", "reward-model")),
    "data": ("Data", ("dataset", "annotator-pool")),
    "rules": ("Rules", ("constitution", "guideline", "policy", "system-prompt", "safety-filter")),
    "making": ("Making and measuring", ("recipe", "eval-suite")),
    "releases": ("Releasing", ("release", "deployment", "release-policy", "card-text")),
}
"""Name → title and kinds. Every kind belongs to one: a test says so."""


def kinds_of(group: str) -> list[Kind]:
    """The kinds in a group that this installation has; none for an unknown group."""
    return [KINDS[name] for name in GROUPS.get(group, ("", ()))[1] if name in KINDS]
