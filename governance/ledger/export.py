"""What leaves the ledger for somebody who does not trust it: disclosed entries, proofs, and the signed whole."""

from collections.abc import Collection, Mapping
from typing import Any

from governance.ledger import bundle, cosigning, dsse, keys, publish, tiles
from governance.ledger.canonical import canonical
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.note import encode64
from governance.ledger.proof import Extension, Proof
from governance.ledger.signing import sign_envelope
from governance.ledger.tiling import consistency, inclusion
from governance.ledger.verify import CHECKPOINT, POLICY, STATEMENT


def prove(index: int, checkpoint: Checkpoint | None = None) -> Proof:
    """The proof that leaf `index` is under `checkpoint` (default: the newest one).

    Raises Checkpoint.DoesNotExist when nothing is signed yet and ValueError for a leaf that it does not cover.
    """
    checkpoint = checkpoint or Checkpoint.objects.latest("size")
    return Proof(index, inclusion(tiles.cached(), index, checkpoint.size), publish.cosigned_note(checkpoint))


def prove_extension(old: int, checkpoint: Checkpoint) -> Extension:
    """The proof that `checkpoint` extends the log's first `old` entries. Raises ValueError when it covers fewer."""
    return Extension(
        old, consistency(tiles.cached(), old, checkpoint.size), publish.cosigned_note(checkpoint)
    )


def disclose(entry: Entry, classes: Collection[str]) -> bytes:
    """The entry as a bundle member: its body, and the parts of `classes` that it has and that are not erased."""
    shown = {name: part for name, part in entry.parts.items() if name in classes and part is not None}
    return canonical({"body": encode64(bytes(entry.body)), "parts": shown})


def evidence_members(disclosed: Mapping[int, Collection[str]], checkpoint: Checkpoint) -> dict[str, bytes]:
    """Bundle members that prove entries: `disclosed` maps leaf index to the classes to show.

    Returns policy.txt, checkpoint.txt, and entries/<i>.json with proofs/<i>.txt for each.
    Raises ValueError for a leaf that the checkpoint does not cover, NotSettled when too few witnesses have cosigned it.
    """
    read, note = tiles.cached(), cosigning.witnessed_note(checkpoint)
    members = {
        POLICY: keys.policy().text.encode(),
        CHECKPOINT: note.encode(),
    }
    for entry in Entry.objects.filter(leaf_index__in=list(disclosed)):
        index = entry.leaf_index or 0
        proof = Proof(index, inclusion(read, index, checkpoint.size), note)
        members[f"entries/{index}.json"] = disclose(entry, disclosed[index])
        members[f"proofs/{index}.txt"] = proof.text.encode()
    return members


def seal(members: Mapping[str, bytes], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """The bundle of `members` with its signed statement added. Raises keys.KeyUnavailable without the private key."""
    statement = dsse.statement(members, predicate_type, predicate)
    return bundle.write({**members, STATEMENT: sign_envelope(statement, keys.signer())})
