"""What anybody may follow of the log, in the C2SP tlog-tiles layout: its newest checkpoint, tiles and entry bundles.

Entry bundles hold the leaves, which are commitments; what the leaves' public parts say is served beside them, since
an erased part must be able to go while leaves stay for ever. Nothing is shown beyond the newest signed checkpoint.
"""

import struct
from collections.abc import Iterator

from django.db.models import Count, OuterRef, Subquery

from governance.ledger import keys, tiles
from governance.ledger.canonical import canonical
from governance.ledger.models import Checkpoint, Cosignature, Entry
from governance.ledger.note import NoteError
from governance.ledger.policy import Policy
from governance.ledger.tiling import TILE_WIDTH, width_at
from governance.ledger.tree import HASH_BYTES

_LENGTH = struct.Struct(">H")


class NotThere(LookupError):
    """The tree, as far as it is signed, has no such tile."""


class NotWitnessed(NotThere):
    """Checkpoints are signed, but none has as many cosignatures as the log's policy needs."""


TRIED = 16
"""Checkpoints that are looked at for one that the policy accepts: a witness's new key may have made older ones void."""


def checkpoint() -> str:
    """The newest note that the log's policy accepts, with the witnesses' signatures under it.

    Raises NotThere while nothing is signed, NotWitnessed, and keys.KeyUnavailable.
    """
    policy = keys.policy()
    newest = Checkpoint.objects.order_by("-size").first()
    if newest is None:
        raise NotThere("Nothing is signed yet.")
    if not policy.quorum:
        return cosigned_note(newest)
    for candidate in _cosigned_by_enough(policy):
        note = cosigned_note(candidate)
        try:
            policy.open(note)
        except NoteError:
            continue
        return note
    raise NotWitnessed(
        f"No checkpoint has the {policy.quorum} cosignatures that this log's policy needs. Its witnesses are asked every"
        " few seconds; try again in a minute."
    )


def _cosigned_by_enough(policy: Policy) -> Iterator[Checkpoint]:
    """The newest checkpoints under which enough of the policy's witnesses stand, by name."""
    names = [witness.key.name for witness in policy.witnesses]
    under = Cosignature.objects.filter(checkpoint=OuterRef("size"), witness__in=names).values("checkpoint")
    # Counted for one checkpoint after the other until there are enough: grouped, all cosignatures would be read.
    found = Checkpoint.objects.annotate(have=Subquery(under.annotate(have=Count("id")).values("have")))
    enough = found.filter(size__lte=_reached(policy), have__gte=policy.quorum)
    return enough.order_by("-size")[:TRIED].iterator()


def _reached(policy: Policy) -> int:
    """The largest checkpoint that enough of the policy's witnesses came to: without it, all would be tried in vain."""
    made = Cosignature.objects.order_by("-checkpoint_id").values_list("checkpoint_id", flat=True)
    newest = [made.filter(witness=witness.key.name).first() or 0 for witness in policy.witnesses]
    return sorted(newest, reverse=True)[policy.quorum - 1]


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
