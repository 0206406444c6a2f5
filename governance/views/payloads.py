"""What differs between two payloads of the ledger, leaf by leaf."""

from collections.abc import Iterator
from typing import Any, NamedTuple

MOST = 40
"""Changes that are named; what lies beyond is counted in a last line."""
LONGEST = 300


class Change(NamedTuple):
    """A place in the payload and its text before and after; None where it was, or is, not there."""

    place: str
    before: str | None
    after: str | None


def changes(before: Any, after: Any) -> list[Change]:
    old, new = dict(_leaves(before)), dict(_leaves(after))
    found = [
        Change(place, old.get(place), new.get(place))
        for place in dict.fromkeys([*old, *new])
        if old.get(place) != new.get(place)
    ]
    rest = len(found) - MOST
    return [*found[:MOST], *([Change(f"and {rest} more", None, None)] if rest > 0 else [])]


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if not inner:
        text = (
            "none"
            if value is None or inner is not None
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
        )
        yield place, text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        return
    for key, item in inner:
        yield from _leaves(item, f"{place}.{key}" if place else str(key))
