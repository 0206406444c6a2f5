"""The pairs of a study: one item each, what was asked, and what either model answered. They lie in one file, by its digest."""

import tempfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from evals.harness.suite import Item, read_suite
from evals.human.sides import shuffled
from evals.records import StoredItems, checked
from governance.ledger.canonical import canonical, loads
from governance.registry import blobs
from governance.registry.actions import Refused
from governance.registry.models import Activity, Version
from training.runner.failures import BadInput

MOST_ITEMS = 1000
MOST_BYTES = 32 * 2**20
"""Of the file: a page that shows one pair reads it."""
KEPT = 4

Key = tuple[str, str]
"""Task and item."""


class Pair(NamedTuple):
    """An item as it was asked of both, and their answers."""

    task: str
    item: str
    item_hash: str
    prompt: str
    choices: tuple[str, ...]
    a: str
    b: str


def made(a: Activity, b: Activity, suite: Version, *, task: str, items: int | None, seed: int) -> list[Pair]:
    """Pairs of `items` items that the seed draws (None: all), or of those of one task, in an order of the seed's own.

    Raises Refused where the two do not hold the same items, an answer is missing or there are too many; MissingBlob,
    Inconsistent.
    """
    ours, theirs = _answers(a, task), _answers(b, task)
    if task and not ours:
        raise Refused(f"The evaluations hold no items of the task {task}.")
    if lone := sorted(ours.keys() ^ theirs.keys()):
        raise Refused(
            f"The two evaluations do not hold the same items: {len(lone)} stand in one of them only, such as "
            f"{_named(lone[0])}. Evaluate both models on the same items."
        )
    chosen = shuffled(ours, seed, "item")[:items]
    if len(chosen) > MOST_ITEMS:
        raise Refused(
            f"There are {len(chosen):,} items, and a study takes at most {MOST_ITEMS:,}: say how many to draw."
        )
    if len(chosen) < max(2, items or 0):
        raise Refused(
            f"There are {len(chosen)} items to draw from; a study takes at least 2 and no more than that."
        )
    asked = _asked(suite)
    return [_pair(key, ours[key], theirs[key], asked.get(key)) for key in chosen]


def stored(pairs: Iterable[Pair]) -> str:
    """Keep the pairs as a file; its SHA-256. Raises Refused for one that is too large, OSError."""
    data = b"".join(canonical(pair._asdict() | {"choices": list(pair.choices)}) + b"\n" for pair in pairs)
    if len(data) > MOST_BYTES:
        raise Refused(
            f"The answers take {len(data):,} bytes, and a study at most {MOST_BYTES:,}: draw fewer items."
        )
    return blobs.put_bytes(data).sha256


@lru_cache(maxsize=KEPT)
def read(sha256: str) -> tuple[Pair, ...]:
    """The pairs that the file of that digest holds. Raises MissingBlob, Inconsistent."""
    rows = (loads(line) for line in checked(sha256).splitlines())
    return tuple(Pair(**{**row, "choices": tuple(row["choices"])}) for row in rows)


def _answers(activity: Activity, task: str) -> dict[Key, Mapping[str, Any]]:
    """Task and item → the row. Raises Refused for an item that stands there twice."""
    sha256 = activity.summary.get("items_sha256")
    if activity.state != Activity.ENDED or not sha256:
        raise Refused(f"{activity.label} has not ended or kept no items; evaluate again first.")
    found: dict[Key, Mapping[str, Any]] = {}
    for row in StoredItems(str(sha256)):
        key = row["task"], row["item"]
        if key in found:
            raise Refused(
                f"{activity.label} holds {_named(key)} more than once, so that nobody knows which answer counts."
            )
        if not task or row["task"] == task:
            found[key] = row
    return found


def _asked(suite: Version) -> dict[Key, Item]:
    """Task and item → what the suite's files ask. Raises Refused, MissingBlob."""
    content = dict(suite.content or {})
    with tempfile.TemporaryDirectory(prefix="charter-study-") as folder:
        place = blobs.lay_out(content["files"], Path(folder) / "suite")
        try:
            tasks = read_suite(content, place)
        except BadInput as error:
            raise Refused(f"The items of {suite.subject} cannot be read: {error}") from error
    return {(task.task.name, item.id): item for task in tasks for item in task.items}


def _pair(key: Key, ours: Mapping[str, Any], theirs: Mapping[str, Any], asked: Item | None) -> Pair:
    hashes = {ours["item_hash"], theirs["item_hash"], asked.hash if asked else None}
    if asked is None or len(hashes) > 1:
        raise Refused(
            f"{_named(key)} is not the same item on both sides and in the suite; evaluate both models on the same suite."
        )
    answers = ours.get("response"), theirs.get("response")
    if not all(isinstance(answer, str) for answer in answers):
        raise Refused(
            f"The answer to {_named(key)} is not recorded on both sides; only evaluations that kept every answer can be shown "
            "to raters."
        )
    return Pair(*key, asked.hash, asked.prompt, asked.choices, *map(str, answers))


def _named(key: Key) -> str:
    return f"the item {key[1]} of the task {key[0]}"
