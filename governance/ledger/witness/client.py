"""Asking one witness for its cosignature over HTTP (pure: the standard library alone)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.ledger import web
from governance.ledger.note import NoteError, TreeHead, cosignatures
from governance.ledger.policy import Witness
from governance.ledger.proof import Extension
from governance.ledger.web import Answer, Unreachable, quoted
from governance.ledger.witness import PATH, SIZE_TYPE

TIMEOUT_SECONDS = 10
MAX_ANSWER = 16 * 1024
LAST_MOMENT = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
"""The latest time of a cosignature that can be kept."""

Prove = Callable[[int, int], Sequence[bytes]]
"""Consistency proof from one size to another."""


class Disagrees(Exception):
    """The witness has seen another history of this log than the one it is shown: a fork, or a restored old backup.

    What stays wrong is said in the same words each time. `seen` is the size that it saw, where that is more than it was
    shown: then the log may just have moved on.
    """

    def __init__(self, sentence: str, seen: int = 0) -> None:
        super().__init__(sentence)
        self.seen = seen


@dataclass(frozen=True)
class Cosigned:
    """The signature line and the time (Unix seconds) that it signs."""

    line: str
    moment: int


def ask(witness: Witness, note: str, head: TreeHead, prove: Prove, last: int = 0) -> Cosigned:
    """The witness's cosignature on `note`; `last` is the size that it is believed to have seen last.

    Raises Unreachable, or Disagrees when it saw more entries than the log has, or other ones.
    """
    answer = _send(witness, Extension(last, _proof(prove, last, head.size), note))
    if _tells_size(answer):
        seen = _size(answer.text)
        if seen > head.size or seen == last:
            raise Disagrees(f"{witness.key.name} saw another history of this log, or a longer one", seen)
        answer = _send(witness, Extension(seen, _proof(prove, seen, head.size), note))
        if _tells_size(answer) and _size(answer.text) > seen:
            raise Unreachable(f"{witness.key.name} was asked by somebody else at the same time; ask again")
    if answer.status in (409, 422):
        raise Disagrees(f"{witness.key.name} does not find its last head in this log")
    if answer.status != 200:
        raise Unreachable(f"{witness.key.name} answers {answer.status}: {quoted(answer.text.strip())}")
    return _checked(witness, note, answer.text)


def _tells_size(answer: Answer) -> bool:
    return answer.status == 409 and answer.kind == SIZE_TYPE


def _proof(prove: Prove, old: int, new: int) -> Sequence[bytes]:
    return prove(old, new) if 0 < old < new else []


def _checked(witness: Witness, note: str, text: str) -> Cosigned:
    line = next((one for one in text.splitlines() if one.startswith(f"— {witness.key.name} ")), "")
    try:
        found = cosignatures(f"{note}{line}\n", [witness.key])
    except NoteError as error:
        raise Unreachable(f"{witness.key.name} answers with a wrong signature: {error}") from error
    if witness.key not in found:
        raise Unreachable(f"{witness.key.name} answers without its signature")
    if found[witness.key] > LAST_MOMENT:
        raise Unreachable(f"{witness.key.name} signs a time after the year 9999")
    return Cosigned(f"{line}\n", found[witness.key])


def _size(text: str) -> int:
    number = text.strip()
    if not (number.isascii() and number.isdigit() and len(number) < 20):
        raise Unreachable(f"a witness's size is a number, not {text[:40]!r}")
    return int(number)


def _send(witness: Witness, extension: Extension) -> Answer:
    address = f"{witness.address.rstrip('/')}/{PATH}"
    return web.ask(address, extension.text.encode(), timeout=TIMEOUT_SECONDS, most=MAX_ANSWER)
