"""Who finds citations: each room registers a function in AppConfig.ready(), from a sealed version to what it cites."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from governance.registry.models import Version

AREAS: dict[str, str] = {
    "guideline": "Guideline",
    "rows": "Training rows",
    "reward": "Reward or judge",
    "eval": "Evaluations",
    "gate": "Gate",
    "text": "Public text",
}
"""Columns of the coverage matrix (R3.1), in order."""


class Found(NamedTuple):
    """One citation as it stands in a version."""

    area: str
    """A key of AREAS."""
    cite: str
    """An id alone, or with its document: `id`, `slug#id`, `kind:slug#id`, `kind:slug@n#id`."""
    place: str
    """Where in the version, at most 200 characters."""
    times: int
    """Rows, items or places that cite it there."""


Source = Callable[[Version], Iterable[Found]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Look with `source` into each version that is indexed. Called in AppConfig.ready()."""
    if source not in _sources:
        _sources.append(source)


def found_in(version: Version) -> list[Found]:
    return [one for source in _sources for one in source(version)]
