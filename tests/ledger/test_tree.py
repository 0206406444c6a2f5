"""The tree against the recursive definition of RFC 6962, section 2.1."""

import hashlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.ledger.note import TreeHead, open_checkpoint
from governance.ledger.policy import Policy
from governance.ledger.proof import Proof, ProofError
from governance.ledger.signing import SignerKey, sign_note
from governance.ledger.tiling import consistency, inclusion, integrate, root, tile_path
from governance.ledger.tree import EMPTY_ROOT, leaf_hash, verify_consistency, verify_inclusion

TOTAL = 700
BODIES = [f"entry {number}".encode() for number in range(TOTAL)]
LEAVES = [leaf_hash(body) for body in BODIES]
SIZES = st.integers(1, TOTAL)


@cache
def mth(low: int, high: int) -> bytes:
    if high - low == 0:
        return hashlib.sha256(b"").digest()
    if high - low == 1:
        return hashlib.sha256(b"\0" + BODIES[low]).digest()
    split = 1
    while split * 2 < high - low:
        split *= 2
    return hashlib.sha256(b"\1" + mth(low, low + split) + mth(low + split, high)).digest()


def grown(batches: list[int]):
    tiles: dict[tuple[int, int], bytes] = {}

    def read(level: int, index: int) -> bytes:
        return tiles[level, index]

    size = 0
    for batch in batches:
        size, changed = integrate(read, size, LEAVES[size : size + batch])
        for position, data in changed.items():
            assert data.startswith(tiles.get(position, b""))
        tiles.update(changed)
    return size, read


_, READ = grown([TOTAL])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_any_batches_give_the_same_tree(batches):
    size, read = grown(batches)
    assert root(read, size) == mth(0, size)


@given(SIZES)
def test_a_partial_tile_is_a_prefix_of_the_full_one(size):
    assert root(READ, size) == mth(0, size)


def test_the_empty_tree():
    assert root(READ, 0) == EMPTY_ROOT == mth(0, 0)


@settings(deadline=None)
@given(st.data())
def test_inclusion(data):
    size = data.draw(SIZES)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion(READ, index, size)
    assert verify_inclusion(LEAVES[index], index, size, proof, mth(0, size))
    assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, mth(0, size))
    assert not verify_inclusion(LEAVES[index], index, size, [*proof, EMPTY_ROOT], mth(0, size))
    assert not verify_inclusion(LEAVES[index], size, size, proof, mth(0, size))
    for place in range(len(proof)):
        broken = [*proof[:place], EMPTY_ROOT, *proof[place + 1 :]]
        assert not verify_inclusion(LEAVES[index], index, size, broken, mth(0, size))
    if proof:
        assert not verify_inclusion(LEAVES[index], index, size, proof[:-1], mth(0, size))


@settings(deadline=None)
@given(st.data())
def test_consistency(data):
    new = data.draw(SIZES)
    old = data.draw(st.integers(0, new))
    proof = consistency(READ, old, new)
    assert verify_consistency(old, new, mth(0, old), mth(0, new), proof)
    assert not verify_consistency(old, new, leaf_hash(b"other"), mth(0, new), proof)
    assert not verify_consistency(old, new, mth(0, old), mth(0, new), [*proof, EMPTY_ROOT])
    for place in range(len(proof)):
        broken = [*proof[:place], EMPTY_ROOT, *proof[place + 1 :]]
        assert not verify_consistency(old, new, mth(0, old), mth(0, new), broken)


def test_proofs_outside_the_tree_are_refused():
    with pytest.raises(ValueError, match="no leaf 5"):
        inclusion(READ, 5, 5)
    with pytest.raises(ValueError, match="cannot extend"):
        consistency(READ, 6, 5)


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (1, 1234067, 256, "tile/1/x001/x234/067"),
        (0, 273, 5, "tile/0/273.p/5"),
    ],
)
def test_tile_path(level, index, width, path):
    assert tile_path(level, index, width) == path


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_proof_text(data):
    key = SignerKey.generate("charter.test/log")
    size = data.draw(SIZES)
    index = data.draw(st.integers(0, size - 1))
    note = sign_note(TreeHead(key.name, size, mth(0, size)).text, key)
    text = Proof(index, inclusion(READ, index, size), note).text
    proof = Proof.parse(text)
    assert proof.text == text
    assert proof.check(LEAVES[index], Policy.of(key.verifier)) == size
    assert open_checkpoint(proof.checkpoint, [key.verifier]).size == size
    with pytest.raises(ProofError):
        proof.check(leaf_hash(b"other"), Policy.of(key.verifier))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx\n",
    ],
)
def test_malformed_proofs_are_refused(text):
    with pytest.raises(ProofError):
        Proof.parse(text)
