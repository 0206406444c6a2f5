"""What anybody may follow of the log, in the C2SP tlog-tiles layout: its newest checkpoint, tiles and entry bundles.

Entry bundles hold the leaves, which are commitments; what the leaves' public parts say is served beside them, since
an erased part must be able to go while leaves stay for ever. Nothing is shown beyond the newest signed checkpoint.
"""

import struct
from collections.abc import Iterator

from governance.ledger import tiles
from governance.ledger.canonical import canonical
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.tiling import TILE_WIDTH, width_at
from governance.ledger.tree import HASH_BYTES

_LENGTH = struct.Struct(">H")


class NotThere(LookupError):
    """The tree, as far as it is signed, has no such tile."""


def checkpoint() -> str:
    """The newest signed note, with the witnesses' signatures under it. Raises NotThere."""
    newest = Checkpoint.objects.order_by("-size").first()
    if newest is None:
        raise NotThere("Nothing is signed yet.")
    return cosigned_note(newest)


def cosigned_note(signed: Checkpoint) -> str:
    """The checkpoint's note with every cosignature that it has."""
    return signed.note + "".join(signed.cosignatures.order_by("witness").values_list("line", flat=True))


def tile(level: int, index: int, width: int) -> bytes:
    """The first `width` hashes of a tile. Raises NotThere."""
    _check(level, index, width)
    return tiles.read(level, index)[: width * HASH_BYTES]


def entries(index: int, width: int) -> bytes:
    """An entry bundle: `width` leaves, each after its length in two bytes, big-endian. Raises NotThere."""
    _check(0, index, width)
    return b"".join(
        _LENGTH.pack(len(entry.body)) + bytes(entry.body) for entry in _rows(index, width, "body")
    )


def parts(index: int, width: int) -> bytes:
    """The public parts of the same leaves, a line of canonical JSON each: {"index", "salt", "payload"}, or null once erased."""
    _check(0, index, width)
    return b"".join(
        canonical({"index": entry.leaf_index, **(entry.parts.get("P") or {"salt": None, "payload": None})})
        + b"\n"
        for entry in _rows(index, width, "parts")
    )


def _check(level: int, index: int, width: int) -> None:
    size = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    if not 1 <= width <= width_at(level, index, size):
        raise NotThere(f"The signed tree has {size} entries, and no such tile.")


def _rows(index: int, width: int, field: str) -> Iterator[Entry]:
    first = index * TILE_WIDTH
    wanted = Entry.objects.filter(leaf_index__gte=first, leaf_index__lt=first + width)
    return wanted.order_by("leaf_index").only("leaf_index", field).iterator()
