"""Proofs as C2SP texts: of one entry's place in the tree (tlog-proof), and that a tree extends another (tlog-witness)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.ledger.note import NoteError, TreeHead, decode64, encode64
from governance.ledger.policy import Policy
from governance.ledger.tree import HASH_BYTES, verify_consistency, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class ProofError(ValueError):
    """A proof that is malformed or does not lead where it says."""


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
    def parse(cls, text: str) -> Proof:
        """Read a proof's text. Raises ProofError when it is malformed."""
        head, separator, checkpoint = text.partition("\n\n")
        first, second, *lines = [*head.split("\n"), ""]
        if not separator or first != HEADER:
            raise ProofError(f"a proof starts with the line {HEADER!r} and ends with a checkpoint")
        match = _INDEX.fullmatch(second)
        if not match:
            raise ProofError("a proof's second line reads 'index' and a number")
        return cls(int(match[1]), _hashes(lines[:-1]), checkpoint)

    def check(self, leaf: bytes, policy: Policy) -> int:
        """Raise ProofError or NoteError unless the leaf hash is at `index` of the signed tree; return the tree's size."""
        head = policy.open(self.checkpoint).head
        if not verify_inclusion(leaf, self.index, head.size, self.hashes, head.root):
            raise ProofError(f"the proof does not lead from this entry to the checkpoint at {head.size}")
        return head.size


@dataclass(frozen=True)
class Extension:
    """That the tree of the signed `checkpoint` note extends the one of `old` entries: the body of a tlog-witness request."""

    old: int
    hashes: Sequence[bytes]
    checkpoint: str

    @property
    def text(self) -> str:
        return "\n".join([f"old {self.old}", *map(encode64, self.hashes), "", self.checkpoint])

    @classmethod
    def parse(cls, text: str) -> Extension:
        """Read it. Raises ProofError when it is malformed."""
        head, separator, checkpoint = text.partition("\n\n")
        first, *lines = head.split("\n")
        match = _OLD.fullmatch(first)
        if not separator or not match:
            raise ProofError("this is a line 'old SIZE', the proof, an empty line and the checkpoint")
        return cls(int(match[1]), _hashes(lines), checkpoint)

    def check(self, old: TreeHead, policy: Policy) -> int:
        """Raise ProofError or NoteError unless the signed tree extends `old`; return its size."""
        head = policy.open(self.checkpoint).head
        if old.size != self.old:
            raise ProofError(f"the proof starts at {self.old} entries, the old checkpoint has {old.size}")
        if not verify_consistency(old.size, head.size, old.root, head.root, self.hashes):
            raise ProofError(
                f"the tree of {head.size} entries does not extend that of {old.size}: either proof or log was altered"
            )
        return head.size


def _hashes(lines: Sequence[str]) -> list[bytes]:
    try:
        hashes = [decode64(line) for line in lines]
    except NoteError as error:
        raise ProofError(str(error)) from error
    if len(hashes) > MAX_HASHES or any(len(item) != HASH_BYTES for item in hashes):
        raise ProofError(f"a proof has at most {MAX_HASHES} hashes of {HASH_BYTES} bytes each")
    return hashes
