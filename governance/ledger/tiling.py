"""The Merkle tree as it is kept and grown: C2SP tlog-tiles, 256 hashes wide and 8 levels high, and proofs out of them.

`read(level, index)` returns the bytes stored for one tile, at least as many hashes as the tree has there.
"""

from collections.abc import Callable, Iterator, Sequence

from governance.ledger.tree import EMPTY_ROOT, HASH_BYTES, node_hash

TILE_BITS = 8
TILE_WIDTH = 1 << TILE_BITS

ReadTile = Callable[[int, int], bytes]
Span = tuple[int, int]


def integrate(read: ReadTile, size: int, leaves: Sequence[bytes]) -> tuple[int, dict[Span, bytes]]:
    """Append leaf hashes to a tree of `size` leaves.

    Returns the new size and the tiles that changed, {(level, index): bytes}; a changed tile extends the old one.
    """
    changed: dict[Span, bytes] = {}
    level, position, added = 0, size, list(leaves)
    while added:
        full = []
        for index, hashes, tile in _filled(read, level, position, added):
            changed[level, index] = tile
            if hashes == TILE_WIDTH:
                full.append(_perfect_root(tile))
        level, position, added = level + 1, position >> TILE_BITS, full
    return size + len(leaves), changed


def root(read: ReadTile, size: int) -> bytes:
    """Root hash of the tree's first `size` leaves."""
    return _subtree(read, 0, size) if size else EMPTY_ROOT


def inclusion(read: ReadTile, index: int, size: int) -> list[bytes]:
    """Proof that leaf `index` is in the tree of `size` leaves (RFC 6962, 2.1.1). Raises ValueError outside it."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    spans, low, high = [], 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return [_subtree(read, *span) for span in reversed(spans)]


def consistency(read: ReadTile, old: int, new: int) -> list[bytes]:
    """Proof that the tree of `new` leaves extends that of `old` (RFC 6962, 2.1.2). Raises ValueError if old > new."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot extend one of {old}")
    if old in (0, new):
        return []
    spans, low, high, known = [], 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low, known = middle, False
    if not known:
        spans.append((low, high))
    return [_subtree(read, *span) for span in reversed(spans)]


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Where C2SP tlog-tiles publishes a tile of `width` hashes, such as `tile/0/x001/234.p/5`."""
    path, index = f"{index % 1000:03d}", index // 1000
    while index:
        path, index = f"x{index % 1000:03d}/{path}", index // 1000
    return f"tile/{level}/{path}" + (f".p/{width}" if width < TILE_WIDTH else "")


def tile_number(path: str) -> int:
    """The index that a tile's path spells, such as 1234 for `x001/234`. Raises ValueError for another spelling."""
    number = int("".join(part.removeprefix("x") for part in path.split("/")))
    if tile_path(0, number) != f"tile/0/{path}":
        raise ValueError(f"{path!r} is no tile's path")
    return number


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes that tile has in a tree of `size` leaves: 0 to 256."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_BITS * level)) - index * TILE_WIDTH))


def _filled(
    read: ReadTile, level: int, position: int, added: Sequence[bytes]
) -> Iterator[tuple[int, int, bytes]]:
    """Each tile that `added` touches at `level`, from `position` on: its index, its hashes, its bytes."""
    taken = 0
    while taken < len(added):
        index, width = position >> TILE_BITS, position % TILE_WIDTH
        stored = read(level, index)[: width * HASH_BYTES] if width else b""
        batch = added[taken : taken + TILE_WIDTH - width]
        taken, position = taken + len(batch), position + len(batch)
        yield index, width + len(batch), stored + b"".join(batch)


def _subtree(read: ReadTile, low: int, high: int) -> bytes:
    """Root over leaves low to high, where `low` is aligned as RFC 6962 splits: perfect subtrees, joined rightmost first."""
    parts = []
    while low < high:
        bits = (high - low).bit_length() - 1
        if low:
            bits = min(bits, (low & -low).bit_length() - 1)
        parts.append(_perfect(read, low, bits))
        low += 1 << bits
    result = parts.pop()
    while parts:
        result = node_hash(parts.pop(), result)
    return result


def _perfect(read: ReadTile, low: int, bits: int) -> bytes:
    """Root over the 2**bits leaves from `low`, out of the one tile that holds its lowest stored level."""
    level = bits // TILE_BITS
    position, count = low >> (TILE_BITS * level), 1 << (bits % TILE_BITS)
    start = (position % TILE_WIDTH) * HASH_BYTES
    hashes = read(level, position >> TILE_BITS)[start : start + count * HASH_BYTES]
    if len(hashes) != count * HASH_BYTES:
        raise ValueError(f"{tile_path(level, position >> TILE_BITS)} is shorter than the tree needs")
    return _perfect_root(hashes)


def _perfect_root(data: bytes) -> bytes:
    hashes = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
