"""Policies: which key may sign which size, and how many witnesses must agree."""

import pytest

from governance.ledger.note import COSIGNATURE, NoteError, TreeHead
from governance.ledger.policy import LogKey, Policy, Witness
from governance.ledger.signing import SignerKey, cosign, sign_note

OLD, NEW = SignerKey.generate("charter.test/log"), SignerKey.generate("charter.test/log")
WENDY, WALT = (SignerKey.generate(f"{name}.example", COSIGNATURE) for name in ("wendy", "walt"))
ROTATED = (LogKey(OLD.verifier, 0, 7), LogKey(NEW.verifier, 5))
WITNESSES = (Witness(WENDY.verifier, "http://127.0.0.1:1/w"), Witness(WALT.verifier))


def body(size: int) -> str:
    return TreeHead("charter.test/log", size, bytes(32)).text


def test_a_policy_reads_back_as_it_was_written():
    policy = Policy(ROTATED, WITNESSES, 1)
    assert Policy.parse(policy.text) == policy
    assert Policy.parse(f"# ours\n\n{OLD.verifier.text}\n") == Policy.of(OLD.verifier)


@pytest.mark.parametrize(
    ("size", "signers", "accepted"),
    [
        (4, [OLD], True),
        (4, [NEW], False),
        (6, [OLD], True),
        (6, [NEW], True),
        (6, [OLD, NEW], True),
        (8, [OLD], False),
        (8, [NEW], True),
        (8, [OLD, NEW], True),
    ],
)
def test_a_key_signs_only_the_sizes_it_was_valid_for(size, signers, accepted):
    note, policy = sign_note(body(size), *signers), Policy(ROTATED)
    if accepted:
        assert policy.open(note).head.size == size
        return
    with pytest.raises(NoteError, match="not signed by"):
        policy.open(note)


def test_a_size_that_no_key_covers_is_refused():
    with pytest.raises(NoteError, match="none of the log's keys may sign a tree of 9 entries"):
        Policy((LogKey(OLD.verifier, 0, 7),)).open(sign_note(body(9), OLD))


@pytest.mark.parametrize("quorum", [0, 1, 2])
def test_as_many_witnesses_as_the_quorum_asks_for(quorum):
    policy = Policy.of(OLD.verifier)
    policy = Policy(policy.log, WITNESSES, quorum)
    alone = sign_note(body(3), OLD)
    for number, witness in enumerate((None, WENDY, WALT)):
        alone += cosign(body(3), 1_700_000_000 + number, witness) if witness else ""
        if number < quorum:
            with pytest.raises(NoteError, match=f"{number} of the {quorum} witnesses"):
                policy.open(alone)
        else:
            assert len(policy.open(alone).cosigned) == number
    assert policy.open(alone).cosigned == {"wendy.example": 1_700_000_001, "walt.example": 1_700_000_002}


def test_a_cosignature_over_another_head_or_time_is_refused():
    policy = Policy(Policy.of(OLD.verifier).log, WITNESSES, 0)
    note = sign_note(body(3), OLD)
    with pytest.raises(NoteError, match=r"cosignature by wendy\.example"):
        policy.open(note + cosign(body(4), 1, WENDY))
    with pytest.raises(NoteError, match=r"cosignature by wendy\.example"):
        Policy(policy.log, WITNESSES).open(note + sign_note(body(3), WENDY).rpartition("\n\n")[2])


def test_a_witness_does_not_sign_for_the_log():
    posing = SignerKey("charter.test/log", WENDY.private, COSIGNATURE)
    with pytest.raises(NoteError, match="not signed by"):
        Policy.of(OLD.verifier).open(sign_note(body(3), posing))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no key"),
        (f"log {OLD.verifier.text} 5 4\n", "would end before it begins"),
        (f"log {OLD.verifier.text} -1\n", "not a number"),
        (f"log {OLD.verifier.text} 0 1 2\n", "not a line of a policy"),
        (f"log {WENDY.verifier.text}\n", "is not a log's"),
        (f"{OLD.verifier.text}\nwitness {NEW.verifier.text}\n", "is not a witness's"),
        (f"{OLD.verifier.text}\nquorum 1\n", "the quorum is 1, but there are 0 witnesses"),
        (f"{OLD.verifier.text}\nquorum ²\n", "not a number"),
        ("log nonsense\n", "a public key reads"),
    ],
    ids=[
        "empty",
        "ends-first",
        "negative",
        "too-many",
        "witness-as-log",
        "log-as-witness",
        "quorum",
        "digit",
        "key",
    ],
)
def test_a_malformed_policy_is_refused(text, complaint):
    with pytest.raises(NoteError, match=complaint):
        Policy.parse(text)
