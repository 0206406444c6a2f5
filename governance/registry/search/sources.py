"""What can be found: each room registers its sources when Django starts, one for each type of thing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Model, QuerySet


class Document(NamedTuple):
    """The words of one row. Only what every signed-in person may read: no snippet, count or rank depends on the asker."""

    names: str
    """Title, identifiers, people: weighs more than the text, and is not shown."""
    text: str
    """Shown in passages."""
    kind: str = ""
    """Artifact kind, to filter by."""


class Shown(NamedTuple):
    """How a found row is shown, as it is now."""

    name: str
    title: str
    address: str
    kind: str = ""
    state: str = ""
    restricted: bool = False


@dataclass(frozen=True)
class Source:
    type: str
    """Identifier, such as `version`."""
    title: str
    """What a page calls one of them, and several: `plural`."""
    plural: str
    rows: Callable[[], QuerySet[Any]]
    """All rows that may have a document, ready to be shown without further queries."""
    document: Callable[[Any], Document | None]
    """The document of a row, None for one that is not to be found."""
    shown: Callable[[Any], Shown]

    @property
    def model(self) -> Any:
        return self.rows().model


_sources: dict[str, Source] = {}


def register(source: Source) -> None:
    """Make a source known. Called in AppConfig.ready(). Raises ValueError for a type that is taken."""
    if _sources.setdefault(source.type, source) != source:
        raise ValueError(f"search source {source.type!r} is already registered")


def known() -> dict[str, Source]:
    """Type → source, in the order in which the rooms registered them."""
    return dict(_sources)


def of(row: Model) -> list[Source]:
    """The sources that may hold `row`; proxies count as what they stand for."""
    return [source for source in _sources.values() if source.model is row._meta.concrete_model]
