"""Rows and items that say which principles they serve, in their column `principle` (pure)."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

COLUMN = "principle"
"""An id, several separated by commas, or a list of ids; each alone, or as `slug#id`, `kind:slug#id`, `kind:slug@n#id`."""
LONGEST = 200
CITE = re.compile(r"(([a-z-]+:)?[a-z0-9][a-z0-9._-]*(@[0-9]{1,9})?#)?[a-z][a-z0-9_-]*")


class Cited(NamedTuple):
    cites: frozenset[str]
    readable: bool
    """False where something stands there that names no principle."""


NOTHING = Cited(frozenset(), True)


def cited(row: Mapping[str, Any]) -> Cited:
    """What a row says in its column `principle`; nothing when it has none or it is empty."""
    value = row.get(COLUMN)
    if value in (None, "", []):
        return NOTHING
    told = value.split(",") if isinstance(value, str) else value
    if not isinstance(told, list):
        return Cited(frozenset(), False)
    names = [one.strip() for one in told if isinstance(one, str)]
    good = frozenset(name for name in names if len(name) <= LONGEST and CITE.fullmatch(name))
    return Cited(good, len(names) == len(told) and all(name in good for name in names))
