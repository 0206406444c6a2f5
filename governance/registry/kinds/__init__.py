"""Artifact kinds, one file each. A new kind is a copied neighbour and one line here."""

import difflib

from governance.registry.kinds import (
    annotator_pool,
    card_text,
    constitution,
    dataset,
    deployment,
    eval_suite,
    guideline,
    model,
    policy,
    recipe,
    release,
    release_policy,
    reward_model,
    safety_filter,
    system_prompt,
)
from governance.registry.kinds.base import Kind

KINDS: dict[str, Kind] = {
    module.KIND.name: module.KIND
    for module in (
        guideline,
        constitution,
        policy,
        annotator_pool,
        dataset,
        reward_model,
        model,
        recipe,
        eval_suite,
        system_prompt,
        safety_filter,
        deployment,
        release_policy,
        card_text,
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
