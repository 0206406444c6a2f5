"""Items for a page or the API: of many long samples an item only the first, cut, so that a page stays of bounded size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from evals.records import Item

SHOWN = 16
LONGEST = 1_000
"""Characters of a sample's response; the items' file holds all of it."""


@dataclass(frozen=True)
class Shortened(Sequence[Item]):
    """The items of a sequence with at most SHOWN samples each, and LONGEST characters a sample."""

    items: Sequence[Item]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, int):
            return shortened(self.items[place])
        return [shortened(item) for item in self.items[place]]


def shortened(item: Item) -> Item:
    """The item with the first of its samples, each cut where it is too long."""
    if "samples" not in item:
        return item
    samples = [{**one, "response": _cut(one["response"])} for one in item["samples"][:SHOWN]]
    return {**item, "samples": samples}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
