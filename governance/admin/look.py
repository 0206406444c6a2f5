"""What the form of one kind adds to the plain one that its schema makes: order, widgets, what is folded away."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Look:
    """Fields are named by their path, without the numbers of rows: `title`, `principles.text`."""

    order: tuple[str, ...] = ()
    """Fields that come first; the others follow as the schema has them."""
    one_line: frozenset[str] = frozenset()
    """Texts without a limit that take one line all the same."""
    tall: frozenset[str] = frozenset()
    """Texts that are long as a rule."""
    folded: frozenset[str] = frozenset()
    """Fields behind "More": rarely filled."""
    labels: Mapping[str, str] = field(default_factory=dict)
    helps: Mapping[str, str] = field(default_factory=dict)
    """Help where the schema's own is not enough."""
    nouns: Mapping[str, str] = field(default_factory=dict)
    """What one row of a list is called."""
    keys: Mapping[str, Callable[[], Choices]] = field(default_factory=dict)
    """Keys to choose from, of a field that is a mapping."""

    def label(self, place: str) -> str:
        name = place.rpartition(".")[2]
        return self.labels.get(place, name.replace("_", " ").capitalize())

    def noun(self, place: str) -> str:
        return self.nouns.get(place, place.rpartition(".")[2].removesuffix("s").replace("_", " "))
