"""Who can fill a gap, and where: by field of the card schema, from `standards/filling.yaml` (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from governance.evidence.facts import Fact
from governance.evidence.schema import FIELDS, ROOTS

PATH = Path(__file__).with_name("standards") / "filling.yaml"


@dataclass(frozen=True)
class Way:
    """Groups that may fill a field, and the page or command where they do it. No groups: nothing here fills it yet."""

    groups: tuple[str, ...]
    where: str

    def __str__(self) -> str:
        return f"{' or '.join(self.groups)}: {self.where}" if self.groups else self.where


WITHHELD = Way((), "it is recorded and withheld; its owner says who may read it")


@cache
def _ways() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return found


def way(field: str) -> Way:
    """How the field with this key gets its value. Raises KeyError for a key that is no field."""
    told = _ways()
    name = told["fields"].get(field) or told["by_fill"][FIELDS[field].fill]
    found = told["ways"][name]
    return Way(tuple(found["groups"]), found["where"])


def advice(keys: Iterable[str], kind: str, gaps: Iterable[Fact]) -> str:
    """What is to be done about an item without a value on the card of a `kind`: `keys` are what would answer it, `gaps` what is said."""
    states = {fact.state for fact in gaps}
    if states == {"withheld"}:
        return str(WITHHELD)
    if states == {"not_applicable"}:
        return "nothing: it does not apply"
    fields = list(dict.fromkeys(ROOTS[key.partition(".")[0]].key for key in keys))
    fitting = [field for field in fields if kind in FIELDS[field].subjects]
    ways = "; ".join(dict.fromkeys(str(way(field)) for field in fitting)) or "nothing here records it yet"
    return f"only upstream knows it; once it is known, {ways}" if states == {"undisclosed"} else ways
