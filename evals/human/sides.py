"""Which items a study takes, which answer stands first, and who gets which item first: all from one seed (pure).

Orders come from SHA-256 and from no generator of random numbers, so that anybody can make them again in any language.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

Side = Literal["a", "b"]
OTHER: Mapping[Side, Side] = {"a": "b", "b": "a"}

Key = TypeVar("Key", str, int, tuple[str, str])


def shuffled(keys: Iterable[Key], seed: int, purpose: str) -> list[Key]:
    """The keys sorted by SHA-256 of "seed:purpose:key"; the parts of a key are joined by a NUL."""
    return sorted(keys, key=lambda key: (_hash(seed, purpose, key), key))


def first_sides(items: int, seed: int) -> Sequence[Side]:
    """Item → the side that stands first for the item's first rating: each side for half of all items."""
    order = shuffled(range(items), seed, "side")
    found: list[Side] = ["a"] * items
    for item in order[: items // 2]:
        found[item] = "b"
    return found


def first_side(items: int, seed: int, item: int, slot: int) -> Side:
    """The side that stands first when `item` is rated for the (slot + 1)-th time: the two sides take turns."""
    side = first_sides(items, seed)[item]
    return OTHER[side] if slot % 2 else side


def next_item(open_items: Mapping[int, int], seed: int, rater: int) -> int | None:
    """The item with the fewest ratings of `open_items` (item → ratings), in an order of the rater's own among equals."""
    if not open_items:
        return None
    fewest = min(open_items.values())
    equals = [item for item, ratings in open_items.items() if ratings == fewest]
    return shuffled(equals, seed, f"rater {rater}")[0]


def _hash(seed: int, purpose: str, key: str | int | tuple[str, str]) -> bytes:
    text = "\0".join(key) if isinstance(key, tuple) else str(key)
    return hashlib.sha256(f"{seed}:{purpose}:{text}".encode()).digest()
