"""The register of evidence providers: each room that knows something about a subject adds its facts here."""

from collections.abc import Callable, Iterable, Mapping

from governance.evidence.facts import Fact
from governance.evidence.view import View

Provider = Callable[[View], Iterable[Fact]]
"""Reads through the view alone, and says the same whenever the view is the same."""

_providers: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    """Have `provider` asked whenever evidence is collected. Called in AppConfig.ready().

    Raises ValueError for a name that another provider has taken.
    """
    if _providers.setdefault(name, provider) is not provider:
        raise ValueError(f"evidence provider {name!r} is already registered")


def registered() -> Mapping[str, Provider]:
    """Every provider by name, in alphabetical order."""
    return dict(sorted(_providers.items()))
