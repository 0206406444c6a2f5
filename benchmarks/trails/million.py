"""`python -m benchmarks.trails.million SIZE COMMITS`: what a large ledger costs, as JSON: name → values.

Its entries are made by the code that makes every entry; only their transactions are larger than in daily use.
"""

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import quantiles

from django.db import connections, transaction
from django.db.models import Sum
from django.db.models.functions import Length

from benchmarks.memory import peak
from benchmarks.paired import alternating
from benchmarks.trails.measure import fresh, prepare
from benchmarks.trails.writers import running
from governance.ledger.tiling import ReadTile, Span, consistency, inclusion, integrate, root
from governance.ledger.tree import leaf_hash

BLOCKS, PROOFS = 11, 200
ROUNDS = 7
BATCH = 5_000
CHUNK = 500
SEED = 1
POLL_SECONDS = 0.002
LONGEST_SECONDS = 60.0

Found = dict[str, list[float]]


def main(size: int, commits: int) -> Found:
    """Times in seconds, memory and tiles in bytes; `hashed` and `bare` belong together round by round."""
    from governance.ledger import keys
    from governance.ledger.models import Entry, Tile
    from governance.ledger.settle import settle

    keys.generate()
    bodies = [bytes(body) for body in fill(size)]
    settle()
    found = proofs(size) | hashes(bodies, Entry.objects.count())
    found["tiles"] = [Tile.objects.aggregate(bytes=Sum(Length("data")))["bytes"]]
    del bodies
    found |= audit()
    with running():
        signed()  # Not counted: the runner has only been started.
        found["signed"] = [signed() for _ in range(commits)]
    return found


def fill(size: int) -> Iterator[bytes]:
    """Make so many rows with an entry each; gives the entries' bodies."""
    from benchmarks.trails.models import ADA, Ours, TrailEvent
    from governance.ledger.append import _entry
    from governance.ledger.models import Entry

    for start in range(0, size, BATCH):
        rows = [fresh(Ours) for _ in range(min(BATCH, size - start))]
        entries = [_entry(row, TrailEvent.CREATED, ADA, {}) for row in rows]
        for row, entry in zip(rows, entries, strict=True):
            row.ledger_rev, row.ledger_head_id = entry.rev, entry.leaf_hash
        with transaction.atomic():
            Entry.objects.bulk_create(entries, batch_size=1_000)
            Ours.objects.bulk_create(rows, batch_size=1_000)
        yield from (entry.body for entry in entries)


def proofs(size: int) -> Found:
    """Seconds of single proofs out of the stored tiles, each of which a proof reads once: medians and 99th percentiles of blocks."""
    from governance.ledger import tiles

    rng = random.Random(SEED)
    made: dict[str, Callable[[int], object]] = {
        "inclusion": lambda number: inclusion(tiles.cached(), number, size),
        "consistency": lambda number: consistency(tiles.cached(), number + 1, size),
    }
    found: Found = {f"{name} {rank}": [] for name in made for rank in ("p50", "p99")}
    for _ in range(BLOCKS):
        for name, prove in made.items():
            seconds = [timed(partial(prove, rng.randrange(size))) for _ in range(PROOFS)]
            cuts = quantiles(seconds, n=100)
            found[f"{name} p50"].append(cuts[49])
            found[f"{name} p99"].append(cuts[98])
    return found


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def hashes(bodies: Sequence[bytes], size: int) -> Found:
    """Seconds to hash all bodies into the root, as an audit does, and with hashlib alone: the same hashes of the same bytes."""
    from governance.ledger.models import Head

    roots = {"hashed": lambda: whole(bodies), "bare": lambda: bare(bodies)}
    expected = bytes.fromhex(Head.objects.get(size=size).root)
    if {make() for make in roots.values()} != {expected}:
        raise ValueError("the two ways to hash the entries do not give the tree's root")
    return alternating({name: lambda make=make: make() and None for name, make in roots.items()}, ROUNDS)


def whole(bodies: Sequence[bytes]) -> bytes:
    tiles: dict[Span, bytes] = {}
    read: ReadTile = lambda level, index: tiles[level, index]  # noqa: E731
    size = 0
    for start in range(0, len(bodies), CHUNK):
        size, changed = integrate(read, size, [leaf_hash(body) for body in bodies[start : start + CHUNK]])
        tiles |= changed
    return root(read, size)


def bare(bodies: Sequence[bytes]) -> bytes:
    """RFC 6962's root, level by level; a last node without sibling goes up as it is."""
    sha256 = hashlib.sha256
    level = [sha256(b"\0" + body).digest() for body in bodies]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [
            sha256(b"\1" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ] + odd
    return level[0]


def audit() -> Found:
    """Seconds and peak memory of `manage.py ledger verify`, which must hold."""
    connections.close_all()
    begun = time.perf_counter()
    memory = peak("-m", "django", "ledger", "verify", "--json")
    return {"verified": [time.perf_counter() - begun], "memory": [float(memory)]}


def signed() -> float:
    """Seconds from the commit of one entry to a checkpoint that covers it."""
    from benchmarks.trails.models import Ours
    from governance.ledger.models import Checkpoint, Entry

    row = fresh(Ours)
    with transaction.atomic():
        row.write()
    begun = time.perf_counter()
    while time.perf_counter() < begun + LONGEST_SECONDS:
        place = Entry.objects.values_list("leaf_index", flat=True).get(leaf_hash=row.ledger_head_id)
        if place is not None and Checkpoint.objects.filter(size__gt=place).exists():
            seconds = time.perf_counter() - begun
            # The next one comes at any moment of the runner's turn.
            time.sleep(random.random() / 2)
            return seconds
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"no checkpoint covers an entry after {LONGEST_SECONDS:.0f} seconds")


if __name__ == "__main__":
    prepare()
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
