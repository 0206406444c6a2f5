"""What the registry knows of models, releases and datasets: one file a section of the card schema."""

from governance.evidence.providers import register
from governance.evidence.registry_facts import (
    authorship,
    data,
    evaluation,
    gaps,
    identity,
    policy,
    recipe,
    release,
)


def register_all() -> None:
    """Register every provider of this package."""
    for module in (identity, recipe, data, policy, authorship, evaluation, release, gaps):
        register(module.__name__.rpartition(".")[2], module.facts)
