"""Whom to trust: the log's keys with the tree sizes that each may sign, its witnesses, and how many must agree.

One text, a line a fact, kept beside the signer, put into every bundle, and best got from somewhere else:

    log VKEY [FROM [UNTIL]]    the log's key; it signs trees of at least FROM and at most UNTIL entries
    witness VKEY [ADDRESS]     a witness, and where it listens
    quorum N                   how many witnesses must have cosigned a checkpoint (0 when the line is absent)

A line that is a vkey alone is a `log` line; one that starts with # says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from governance.ledger.note import (
    COSIGNATURE,
    ED25519,
    NoteError,
    TreeHead,
    VerifierKey,
    cosignatures,
    open_checkpoint,
)


@dataclass(frozen=True)
class LogKey:
    """A key of the log; `until` is None while it is in use."""

    key: VerifierKey
    since: int = 0
    until: int | None = None

    def covers(self, size: int) -> bool:
        return self.since <= size and (self.until is None or size <= self.until)

    @property
    def text(self) -> str:
        until = "" if self.until is None else f" {self.until}"
        return f"log {self.key.text} {self.since}{until}\n"


@dataclass(frozen=True)
class Witness:
    key: VerifierKey
    address: str = ""

    @property
    def text(self) -> str:
        return f"witness {self.key.text}{f' {self.address}' if self.address else ''}\n"


@dataclass(frozen=True)
class Seen:
    """A checkpoint that the policy accepts: its head, and who cosigned it when (Unix seconds)."""

    head: TreeHead
    cosigned: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    log: tuple[LogKey, ...]
    witnesses: tuple[Witness, ...] = ()
    quorum: int = 0

    @classmethod
    def of(cls, *keys: VerifierKey) -> Policy:
        """Trust in these keys at every size, without witnesses."""
        return cls(tuple(LogKey(key) for key in keys))

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Read a policy. Raises NoteError naming the line that is malformed, or when there is no key."""
        log: list[LogKey] = []
        witnesses: list[Witness] = []
        quorum = 0
        for line in filter(None, text.splitlines()):
            match line.split():
                case [comment, *_] if comment.startswith("#"):
                    continue
                case ["log", vkey, *sizes] if len(sizes) <= 2:
                    log.append(_log_key(vkey, sizes))
                case ["witness", vkey] | ["witness", vkey, _] as parts:
                    witnesses.append(Witness(_key(vkey, COSIGNATURE), "".join(parts[2:])))
                case ["quorum", number]:
                    quorum = _number(number)
                case [vkey]:
                    log.append(_log_key(vkey, []))
                case _:
                    raise NoteError(f"not a line of a policy: {line[:80]!r}")
        if not log:
            raise NoteError("there is no key")
        if quorum > len(witnesses):
            raise NoteError(f"the quorum is {quorum}, but there are {len(witnesses)} witnesses")
        return cls(tuple(log), tuple(witnesses), quorum)

    @property
    def text(self) -> str:
        quorum = f"quorum {self.quorum}\n" if self.quorum else ""
        return "".join([*(key.text for key in self.log), *(one.text for one in self.witnesses), quorum])

    @property
    def keys(self) -> list[VerifierKey]:
        """Every key that the log has signed with."""
        return [one.key for one in self.log]

    def keys_at(self, size: int) -> list[VerifierKey]:
        """The keys that may sign a tree of `size` entries."""
        return [one.key for one in self.log if one.covers(size)]

    def open(self, note: str) -> Seen:
        """The checkpoint in `note`. Raises NoteError unless a key valid at its size and enough witnesses signed it."""
        size = open_checkpoint(note, self.keys).size
        valid = self.keys_at(size)
        if not valid:
            raise NoteError(f"none of the log's keys may sign a tree of {size} entries")
        head = open_checkpoint(note, valid)
        found = cosignatures(note, [witness.key for witness in self.witnesses])
        if len(found) < self.quorum:
            raise NoteError(
                f"{len(found)} of the {self.quorum} witnesses needed have cosigned the checkpoint"
            )
        return Seen(head, {key.name: moment for key, moment in found.items()})


def _log_key(vkey: str, sizes: Sequence[str]) -> LogKey:
    numbers = [_number(size) for size in sizes]
    since, until = numbers[0] if numbers else 0, numbers[1] if len(numbers) > 1 else None
    if until is not None and until < since:
        raise NoteError(f"the key of {vkey.partition('+')[0]!r} would end before it begins")
    return LogKey(_key(vkey, ED25519), since, until)


def _key(vkey: str, kind: bytes) -> VerifierKey:
    key = VerifierKey.parse(vkey)
    if key.kind != kind:
        wanted = "a witness's" if kind == COSIGNATURE else "a log's"
        raise NoteError(f"the key of {key.name!r} is not {wanted}")
    return key


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NoteError(f"not a number of entries: {text[:40]!r}")
    return int(text)
