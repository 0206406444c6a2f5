"""Artifact kinds, one file each. A new kind is a copied neighbour and one line here."""

import difflib

from governance.registry.kinds import (
    constitution,
    dataset,
    deployment,
    eval_suite,
    model,
    recipe,
    release,
    release_policy,
    system_prompt,
)
from governance.registry.kinds.base import Kind

KINDS: dict[str, Kind] = {
    module.KIND.name: module.KIND
    for module in (
        constitution,
        dataset,
        model,
        eval_suite,
        recipe,
        release_policy,
        system_prompt,
        deployment,
        release,
    )
}


class UnknownKind(ValueError):
    """A kind that does not exist; the message names the nearest ones."""


def get(name: str) -> Kind:
    """The kind called `name`. Raises UnknownKind."""
    if name in KINDS:
        return KINDS[name]
    near = difflib.get_close_matches(name, KINDS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UnknownKind(f"There is no kind {name!r}.{hint} Kinds are {', '.join(KINDS)}.")
