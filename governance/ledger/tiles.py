"""The tree's tiles, as stored in the database."""

from collections.abc import Mapping

from django.db import connection

from governance.ledger.models import Tile
from governance.ledger.tiling import ReadTile, Span


def read(level: int, index: int) -> bytes:
    """The stored hashes of one tile. Raises Tile.DoesNotExist."""
    # Proofs are made of these reads, and building the same query anew takes Django longer than the database to run it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM ledger_tile WHERE level = %s AND idx = %s", [level, index])
        found = cursor.fetchone()
    if found is None:
        raise Tile.DoesNotExist(f"no tile {index} of level {level} is stored")
    return bytes(found[0])


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
