"""The entries that facts rest on, for tables of sources and for the mark of a demonstration."""

from collections.abc import Collection
from dataclasses import dataclass

from governance.ledger.canonical import loads
from governance.ledger.models import Entry

CHUNK = 500
DEMO = "demo "
"""How the actors of a demonstration are marked (`Actor.demo`)."""


@dataclass(frozen=True)
class CitedEntry:
    """What an entry's body says of itself, with its leaf index and hash."""

    index: int
    object_type: str
    object_id: str
    op: str
    actor: str
    at: str
    leaf_hash: str


def entries(indices: Collection[int]) -> list[CitedEntry]:
    """The entries at these leaf indices, in their order."""
    wanted = sorted(indices)
    found: list[CitedEntry] = []
    for start in range(0, len(wanted), CHUNK):
        rows = Entry.objects.filter(leaf_index__in=wanted[start : start + CHUNK]).order_by("leaf_index")
        found += [_read(row) for row in rows.only("leaf_index", "leaf_hash", "body")]
    return found


def is_demo(entry: CitedEntry) -> bool:
    """Whether somebody who plays a part made the entry."""
    return entry.actor.startswith(DEMO)


def _read(entry: Entry) -> CitedEntry:
    body, index = loads(bytes(entry.body)), entry.leaf_index or 0
    return CitedEntry(index, body["type"], body["id"], body["op"], body["actor"], body["at"], entry.leaf_hash)
