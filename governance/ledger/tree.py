"""The Merkle tree of RFC 6962 over SHA-256: its hashes, and how proofs in it are verified."""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(body: bytes) -> bytes:
    """Hash of a leaf (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\0" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether `proof` leads from the leaf hash to the root `expected` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            node, last = _skip_right_edge(node, last)
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and result == expected


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `new` leaves extends that of `old` (RFC 9162, 2.1.4.2)."""
    if old == 0:
        return new >= 0 and not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            node, last = _skip_right_edge(node, last)
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _skip_right_edge(node: int, last: int) -> tuple[int, int]:
    """Climb past the levels where the right edge has no sibling."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last
