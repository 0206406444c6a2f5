"""Mutated bundles and proofs: whatever is done to their bytes, none is accepted, and none makes the verifier crash.

`make fuzz` tries 10,000 of each kind, `make test` a tenth of that. A mutation that is found to pass is replayed by
its number, which seeds it.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from governance.ledger import bundle, export, keys
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.policy import Policy
from governance.ledger.settle import settle
from governance.ledger.verify import verify, verify_extension, verify_proof
from tests.ledger.test_verify import PREDICATE, members
from tests.ledger.world import make, make_many

TRIES = int(os.environ.get("FUZZ", "1000"))
ALPHABET = b'0123456789abcdefABCDEF+/=\n -\xe2\x80\x94{}[]":,\\.\0\r\t'


def mutated(data: bytes, number: int) -> bytes:
    """`data` with one to three random changes: bits, bytes, runs removed, doubled, moved or overwritten."""
    random = Random(number)
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        place, length = random.randrange(len(changed)), random.choice((1, 1, 2, 4, 32, 200))
        run = bytes(changed[place : place + length])
        match random.randrange(7):
            case 0:
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                changed[place] = random.choice(ALPHABET)
            case 2:
                changed[place:place] = bytes([random.choice(ALPHABET)])
            case 3:
                del changed[place : place + length]
            case 4:
                changed[place:place] = run
            case 5:
                target = random.randrange(len(changed))
                changed[target : target + len(run)] = run
            case _:
                del changed[place : place + length]
                target = random.randrange(len(changed) + 1)
                changed[target:target] = run
        changed = changed or bytearray(b"\0")
    return bytes(changed)


def mutations(data: bytes, tries: int) -> Iterator[tuple[int, bytes]]:
    """Numbered mutations that are not `data` itself."""
    for number in range(tries):
        if (changed := mutated(data, number)) != data:
            yield number, changed


def lines_mutated(data: bytes, tries: int) -> Iterator[tuple[int, bytes]]:
    """The same for texts, where lines are swapped, doubled and dropped too."""
    yield from mutations(data, tries)
    for number in range(tries):
        random, lines = Random(number), data.splitlines(keepends=True)
        here, there = random.randrange(len(lines)), random.randrange(len(lines))
        match random.randrange(3):
            case 0:
                lines[here], lines[there] = lines[there], lines[here]
            case 1:
                lines.insert(there, lines[here])
            case _:
                del lines[here]
        if (changed := b"".join(lines)) != data:
            yield number, changed


@pytest.fixture
def policy(committed_db: Path) -> Policy:
    keys.generate()
    return keys.policy()


@pytest.fixture
def whole(policy) -> bytes:
    return export.seal(members(), PREDICATE, {"release": "house"})


@pytest.fixture
def log(policy) -> Checkpoint:
    for number in range(3):
        make(f"early-{number}")
    settle()
    make_many(8)
    return settle()


def test_mutated_bundles(whole, policy):
    assert verify(whole, policy).holds
    for number, changed in mutations(whole, TRIES):
        assert not verify(changed, policy).holds, number


def test_mutated_members_packed_again(whole, policy):
    """As the form allows it, so that only digests, proofs and signatures stand in the way."""
    contents = bundle.read(whole)
    names = sorted(contents)
    for number in range(TRIES):
        name = names[number % len(names)]
        changed = mutated(contents[name], number)
        if changed != contents[name]:
            packed = bundle.write({**contents, name: changed})
            assert not verify(packed, policy).holds, (name, number)
            assert not verify(packed).holds, (name, number, "without a policy from elsewhere")


def test_mutated_inclusion_proofs(log, policy):
    text, entry = (
        export.prove(4, log).text.encode(),
        export.disclose(Entry.objects.get(leaf_index=4), ["P"]),
    )
    assert verify_proof(text.decode(), entry, policy).holds
    refused(lines_mutated(text, TRIES), lambda changed: verify_proof(changed, entry, policy).holds)
    for number, changed in mutations(entry, TRIES):
        assert not verify_proof(text.decode(), changed, policy).holds, number


def test_mutated_consistency_proofs(log, policy):
    old = Checkpoint.objects.earliest("size").note
    text = export.prove_extension(3, log).text.encode()
    assert verify_extension(text.decode(), old, policy).holds
    refused(lines_mutated(text, TRIES), lambda changed: verify_extension(changed, old, policy).holds)
    refused(
        lines_mutated(old.encode(), TRIES),
        lambda changed: verify_extension(text.decode(), changed, policy).holds,
    )


def refused(changes: Iterator[tuple[int, bytes]], accepted: Callable[[str], bool]) -> None:
    for number, changed in changes:
        assert not accepted(changed.decode("utf-8", "replace")), (number, changed)
