"""C2SP tlog-proof texts (c2sp.org/tlog-proof): one entry's place in the tree, with the checkpoint it leads to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.ledger.note import decode64, encode64
from governance.ledger.policy import Policy
from governance.ledger.tree import HASH_BYTES, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class ProofError(ValueError):
    """A proof that is malformed or does not lead from the entry to the checkpoint."""


@dataclass(frozen=True)
class Proof:
    """Leaf `index`, the sibling `hashes` from leaf to root, and the signed `checkpoint` note."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: str

    @property
    def text(self) -> str:
        lines = [HEADER, f"index {self.index}", *map(encode64, self.hashes), "", self.checkpoint]
        return "\n".join(lines)

    @classmethod
    def parse(cls, text: str) -> "Proof":
        """Read a proof's text. Raises ProofError when it is malformed."""
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != HEADER or len(lines) < 2:
            raise ProofError(f"a proof starts with the line {HEADER!r} and ends with a checkpoint")
        match = _INDEX.fullmatch(lines[1])
        if not match:
            raise ProofError("a proof's second line reads 'index' and a number")
        hashes = [decode64(line) for line in lines[2:]]
        if len(hashes) > MAX_HASHES or any(len(item) != HASH_BYTES for item in hashes):
            raise ProofError(f"a proof has at most {MAX_HASHES} hashes of {HASH_BYTES} bytes each")
        return cls(int(match[1]), hashes, checkpoint)

    def check(self, leaf: bytes, policy: Policy) -> int:
        """Raise ProofError or NoteError unless the leaf hash is at `index` of the signed tree; return the tree's size."""
        head = policy.open(self.checkpoint).head
        if not verify_inclusion(leaf, self.index, head.size, self.hashes, head.root):
            raise ProofError(f"the proof does not lead from this entry to the checkpoint at {head.size}")
        return head.size
