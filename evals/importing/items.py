"""The items of an import: written as they come, and once more in the order of the harness, one in memory at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from evals.importing.log import MOST_ITEMS, Row
from evals.statistics.decimals import text
from governance.ledger.canonical import CanonicalError, canonical
from governance.registry.importers import BadFile

PLACES = 12
"""Decimal places of an item's score."""


@dataclass
class Tally:
    """What is counted of one task."""

    scores: Counter[Decimal] = field(default_factory=Counter)
    offsets: dict[str, int] = field(default_factory=dict)
    """Item → where its line begins."""
    hashes: list[bytes] | None = field(default_factory=list)
    """Item hash and prompt hash of each item, joined; None once an item lacks one."""

    @property
    def n(self) -> int:
        return self.scores.total()

    @property
    def mean(self) -> Fraction:
        return sum((Fraction(score) * count for score, count in self.scores.items()), Fraction()) / self.n

    def hash(self) -> str | None:
        """As the harness's `task_hash`: SHA-256 over the sorted item and prompt hashes; None where one is missing."""
        if self.hashes is None:
            return None
        digest, comma = sha256(b"["), b""
        for joined in sorted(self.hashes):
            digest.update(b'%s["%s","%s"]' % (comma, joined[:32].hex().encode(), joined[32:].hex().encode()))
            comma = b","
        digest.update(b"]")
        return digest.hexdigest()


class Items:
    """Takes rows in any order, and gives them back sorted by task and item."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "unsorted.jsonl").open("w+b")
        self.tasks: dict[str, Tally] = {}
        self.number = 0

    def close(self) -> None:
        self._file.close()

    def add(self, row: Row, item_hash: str | None) -> None:
        """Raises BadFile for an item that came before, and for text that no record holds."""
        tally = self.tasks.setdefault(row.task, Tally())
        if row.item in tally.offsets:
            raise BadFile(f"{row.place}: the item {row.item!r} of the task {row.task} stands there twice.")
        if self.number >= MOST_ITEMS:
            raise BadFile(
                f"{row.place}: these are more than {MOST_ITEMS:,} items, the most that one import takes."
            )
        self.number += 1
        tally.offsets[row.item] = self._file.tell()
        tally.scores[row.score] += 1
        _count_hashes(tally, item_hash, row.prompt_hash)
        self._file.write(_line(row, item_hash))

    def write(self, path: Path) -> str:
        """Write the sorted lines to `path`; returns their SHA-256."""
        digest = sha256()
        with path.open("wb") as out:
            for line in self._sorted():
                digest.update(line)
                out.write(line)
        return digest.hexdigest()

    def _sorted(self) -> Iterator[bytes]:
        self._file.flush()
        for _, tally in sorted(self.tasks.items()):
            for _, offset in sorted(tally.offsets.items()):
                self._file.seek(offset)
                yield self._file.readline()


def _count_hashes(tally: Tally, item_hash: str | None, prompt_hash: str | None) -> None:
    if item_hash is None or prompt_hash is None:
        tally.hashes = None
    elif tally.hashes is not None:
        tally.hashes.append(bytes.fromhex(item_hash) + bytes.fromhex(prompt_hash))


def _line(row: Row, item_hash: str | None) -> bytes:
    # A byte-level model may write NUL, which no record holds; as in the harness it becomes the replacement character.
    response = None if row.response is None else row.response.replace("\0", "\ufffd")
    found: Mapping[str, Any] = {
        "task": row.task, "item": row.item, "item_hash": item_hash, "prompt_hash": row.prompt_hash,
        "target": row.target, "filter": row.filter, "response": response, "score": text(float(row.score), PLACES),
        "flags": [],
    }  # fmt: skip
    try:
        return canonical(found if row.cluster is None else {**found, "cluster": row.cluster}) + b"\n"
    except CanonicalError as error:
        raise BadFile(f"{row.place}: this cannot be kept: {error}.") from error
