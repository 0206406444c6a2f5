"""The tree's tiles, as stored in the database."""

from collections.abc import Mapping

from governance.ledger.models import Tile
from governance.ledger.tiling import ReadTile, Span


def read(level: int, index: int) -> bytes:
    """The stored hashes of one tile. Raises Tile.DoesNotExist."""
    return bytes(Tile.objects.values_list("data", flat=True).get(level=level, idx=index))


def over(changed: Mapping[Span, bytes]) -> ReadTile:
    """Read `changed` tiles first, then the stored ones."""
    return lambda level, index: changed.get((level, index)) or read(level, index)


def cached() -> ReadTile:
    """Read each stored tile once: for many proofs over one tree."""
    known: dict[Span, bytes] = {}

    def get(level: int, index: int) -> bytes:
        if (level, index) not in known:
            known[level, index] = read(level, index)
        return known[level, index]

    return get


def write(changed: Mapping[Span, bytes]) -> None:
    """Store changed tiles: a new row, or a longer value of the old one. The caller holds the head's lock."""
    for (level, index), data in changed.items():
        if not Tile.objects.filter(level=level, idx=index).update(data=data):
            Tile.objects.create(level=level, idx=index, data=data)
