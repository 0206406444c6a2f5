"""C2SP tlog-witness (c2sp.org/tlog-witness): what a log sends to a witness, and what it gets back (pure).

A witness remembers the newest head of each log that it saw, and cosigns only what extends it. So an operator who holds
database and key still cannot show two histories to two people who both ask for the witness's signature.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.ledger.note import NoteError, decode64, encode64
from governance.ledger.tree import HASH_BYTES

PATH = "add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
MAX_BODY = 64 * 1024
MAX_PROOF = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Submission:
    """A log's request: the size that the witness saw last, the proof from there, and the signed checkpoint."""

    old: int
    proof: Sequence[bytes]
    note: str

    @property
    def text(self) -> str:
        return "\n".join([f"old {self.old}", *map(encode64, self.proof), "", self.note])

    @classmethod
    def parse(cls, text: str) -> Submission:
        """Read a request's body. Raises NoteError when it is malformed."""
        head, separator, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        match = _OLD.fullmatch(first)
        if not separator or not match:
            raise NoteError("a submission is a line 'old SIZE', the proof, an empty line and the checkpoint")
        proof = [decode64(line) for line in lines]
        if len(proof) > MAX_PROOF or any(len(item) != HASH_BYTES for item in proof):
            raise NoteError(f"a proof has at most {MAX_PROOF} hashes of {HASH_BYTES} bytes each")
        return cls(int(match[1]), proof, note)
