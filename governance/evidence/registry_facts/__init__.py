"""What the registry knows of models, releases and datasets: one file a section of the card schema."""

from governance.evidence.providers import register
from governance.evidence.registry_facts import (
    authorship,
    data,
    evaluation,
    gaps,
    identity,
    people,
    policy,
    recipe,
    release,
    rewards,
    sheets,
    texts,
)


def register_all() -> None:
    """Register every provider of this package."""
    for module in (
        identity,
        recipe,
        rewards,
        data,
        sheets,
        people,
        policy,
        authorship,
        evaluation,
        release,
        texts,
        gaps,
    ):
        register(module.__name__.rpartition(".")[2], module.facts)
