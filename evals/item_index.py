"""Pages of an evaluation's items without reading all of them: where each line lies, what it is, and its digest.

An index lies in the cache under the SHA-256 of the items' file, and is made while that file is checked as a whole. A line
that is shown is held against its own digest, so a page never shows what was not recorded.
"""

import hashlib
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple, overload

from django.conf import settings

from evals.records import Item, altered
from governance.evidence.records import Inconsistent
from governance.ledger.canonical import canonical, loads
from governance.registry import blobs
from governance.registry.datasets.copies import derived_path

SUFFIX = "items"
ENTRY = struct.Struct("<QI16s8s8s8sB")
"""Offset and length of a line, its digest (cut), its task, what it is paired on and its score (hashed, cut), its flags."""
BATCH = ENTRY.size * 4096
KEY = ("task", "item_hash", "prompt_hash", "filter")
"""What two evaluations' items are paired on, as evals.compare pairs them."""
REFUSED = 1


class Entry(NamedTuple):
    offset: int
    length: int
    digest: bytes
    task: bytes
    key: bytes
    score: bytes
    flags: int


@dataclass(frozen=True)
class Wanted:
    """Which items a reader asks for; without anything set, all of them."""

    task: str = ""
    best: Mapping[str, str] | None = None
    """Task → the score of an item that went as wanted: only the other items."""
    refused: bool = False
    """Only refusals."""
    changed_from: str | None = None
    """SHA-256 of another evaluation's items: only those that both were asked and that it scored otherwise."""


@dataclass(frozen=True)
class IndexedItems(Sequence[Item]):
    """The items of an evaluation that are wanted, as a sequence for a paginator.

    Raises MissingBlob, and Inconsistent when the file is not the one that was recorded.
    """

    sha256: str
    wanted: Wanted = Wanted()

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, int):
            return next(self._read([self._kept[place]]))
        return list(self._read(self._kept[place]))

    @cached_property
    def _kept(self) -> Sequence[int]:
        """Places of the items that are wanted."""
        before = _scores(self.wanted.changed_from) if self.wanted.changed_from else None
        best = {(_cut(task), _cut(score)) for task, score in (self.wanted.best or {}).items()}
        task = _cut(self.wanted.task) if self.wanted.task else None
        return [
            number
            for number, entry in enumerate(_entries(self.sha256))
            if (task is None or entry.task == task)
            and (self.wanted.best is None or (entry.task, entry.score) not in best)
            and (not self.wanted.refused or entry.flags & REFUSED)
            and (before is None or before.get(entry.key, entry.score) != entry.score)
        ]

    def _read(self, places: Sequence[int]) -> Iterator[Item]:
        if not places:
            return
        with _opened(self.sha256) as index, blobs.opened(self.sha256) as lines:
            for place in places:
                index.seek(place * ENTRY.size)
                entry = Entry(*ENTRY.unpack(index.read(ENTRY.size)))
                lines.seek(entry.offset)
                line = lines.read(entry.length)
                if hashlib.sha256(line).digest()[:16] != entry.digest:
                    raise Inconsistent(altered(self.sha256))
                yield loads(line)


def _scores(sha256: str) -> dict[bytes, bytes]:
    return {entry.key: entry.score for entry in _entries(sha256)}


def _entries(sha256: str) -> Iterator[Entry]:
    with _opened(sha256) as index:
        while batch := index.read(BATCH):
            yield from map(Entry._make, ENTRY.iter_unpack(batch))


def _opened(sha256: str) -> IO[bytes]:
    path = derived_path(Path(settings.CHARTER_CACHE), sha256, SUFFIX)
    if not path.exists():
        _make(sha256, path)
    return path.open("rb")


def _make(sha256: str, path: Path) -> None:
    """Write the index whole or not at all, and only of a file that is what was recorded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    whole, offset = hashlib.sha256(), 0
    try:
        with blobs.opened(sha256) as lines, part.open("wb") as index:
            for line in lines:
                whole.update(line)
                index.write(_entry(line, offset))
                offset += len(line)
        if whole.hexdigest() != sha256:
            raise Inconsistent(altered(sha256))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _entry(line: bytes, offset: int) -> bytes:
    item = loads(line)
    flags = REFUSED if "refused" in item["flags"] else 0
    key = _cut([item[name] for name in KEY])
    digest = hashlib.sha256(line).digest()[:16]
    return ENTRY.pack(offset, len(line), digest, _cut(item["task"]), key, _cut(item["score"]), flags)


def _cut(value: Any) -> bytes:
    return hashlib.sha256(canonical(value)).digest()[:8]
