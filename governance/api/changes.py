"""What changed between two contents (pure): one line per place, items of lists found again by their id, name, path or region."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from governance.registry import variants

LIMIT = 2_000
NAMES = ("id", "name", "path")


def changes(before: object, after: object, limit: int = LIMIT) -> tuple[list[dict[str, Any]], bool]:
    """({"op", "path", "before", "after"} in reading order, whether there are more than `limit`)."""
    found = list(islice(_changes(before, after, ""), limit + 1))
    return found[:limit], len(found) > limit


def _changes(before: object, after: object, path: str) -> Iterator[dict[str, Any]]:
    if before == after and type(before) is type(after):
        return
    left, right = _parts(before), _parts(after)
    if left is None or right is None or type(before) is not type(after):
        yield {"op": "replace", "path": path, "before": before, "after": after}
        return
    for key in [*left, *(key for key in right if key not in left)]:
        place = f"{path}.{key}" if path else key
        if key not in right:
            yield {"op": "remove", "path": place, "before": left[key], "after": None}
        elif key not in left:
            yield {"op": "add", "path": place, "before": None, "after": right[key]}
        else:
            yield from _changes(left[key], right[key], place)


def _parts(value: object) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        named = {_name(item, number): item for number, item in enumerate(value)}
        return named if len(named) == len(value) else {str(number): item for number, item in enumerate(value)}
    return None


def _name(item: object, number: int) -> str:
    if isinstance(item, dict):
        found = next((item[name] for name in NAMES if isinstance(item.get(name), str)), None)
        return str(found or variants.name_of(item) or number)
    return str(number)
