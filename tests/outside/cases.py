"""What is put before a verifier, as JSON: what we exported, and the same with one thing altered.

Binary values are standard base64. The kinds, and what a verifier is told:

    inclusion    leaf, index, size, root, hashes        the leaf is at that index of the tree
    consistency  old_size, old_root, size, root, hashes the tree extends the older one
    checkpoint   note, vkey, witnesses (vkeys)          the note is signed by the key and cosigned by every witness
    envelope     envelope (its text), vkey              the DSSE envelope is signed by the key
"""

import base64
import json
from collections.abc import Callable
from typing import Any

from governance.ledger.canonical import canonical
from governance.ledger.dsse import pae
from governance.ledger.note import COSIGNATURE, ED25519, decode64, encode64
from governance.ledger.signing import SignerKey, cosign, sign_envelope, sign_note
from tests.outside.world import Exported

Case = dict[str, Any]
Alter = Callable[[Case], Case]


def inclusions(exported: Exported) -> dict[str, Case]:
    """Our proofs of the first and the last entry and of those at the edges of tiles, by index."""
    head, entries = exported.head, exported.entries
    return {
        str(index): {
            "kind": "inclusion",
            "leaf": encode64(entries[index]),
            "index": index,
            "size": head.size,
            "root": encode64(head.root),
            "hashes": [encode64(one) for one in proof.hashes],
        }
        for index, proof in exported.proofs.items()
    }


def consistency(exported: Exported) -> Case:
    """Our proof that the newest checkpoint extends the older one."""
    return {
        "kind": "consistency",
        "old_size": exported.old_head.size,
        "old_root": encode64(exported.old_head.root),
        "size": exported.head.size,
        "root": encode64(exported.head.root),
        "hashes": [encode64(one) for one in exported.extension.hashes],
    }


def checkpoint(exported: Exported) -> Case:
    """The newest checkpoint, with the witness's cosignature."""
    return {
        "kind": "checkpoint",
        "note": exported.note,
        "vkey": exported.vkey,
        "witnesses": [one.key.text for one in exported.policy.witnesses],
    }


def envelope(exported: Exported) -> Case:
    """The signed statement of a release's bundle."""
    return {"kind": "envelope", "envelope": exported.statement.decode(), "vkey": exported.vkey}


def flipped(text: str, at: int = 0) -> str:
    """The base64 of the same bytes with a bit of byte `at` flipped."""
    data = bytearray(base64.b64decode(text))
    data[at] ^= 1
    return encode64(bytes(data))


def _with(**changes: Callable[[Case], Any]) -> Alter:
    return lambda case: {**case, **{name: change(case) for name, change in changes.items()}}


_HASHES: dict[str, Alter] = {
    "first hash flipped": _with(hashes=lambda case: [flipped(case["hashes"][0]), *case["hashes"][1:]]),
    "last hash flipped": _with(hashes=lambda case: [*case["hashes"][:-1], flipped(case["hashes"][-1], 31)]),
    "hashes swapped": _with(
        hashes=lambda case: [case["hashes"][1], case["hashes"][0], *case["hashes"][2:]],
    ),
    "first hash dropped": _with(hashes=lambda case: case["hashes"][1:]),
    "last hash dropped": _with(hashes=lambda case: case["hashes"][:-1]),
    "hash added": _with(hashes=lambda case: [*case["hashes"], case["hashes"][-1]]),
    "no hashes": _with(hashes=lambda _: []),
    "root changed": _with(root=lambda case: flipped(case["root"], 31)),
}

INCLUSION: dict[str, Alter] = {
    **_HASHES,
    "leaf changed": _with(leaf=lambda case: flipped(case["leaf"], 5)),
    "leaf cut": _with(leaf=lambda case: encode64(base64.b64decode(case["leaf"])[:-1])),
    "index before": _with(index=lambda case: case["index"] - 1),
    "index after": _with(index=lambda case: case["index"] + 1),
    "index outside": _with(index=lambda case: case["size"]),
    "larger tree": _with(size=lambda case: case["size"] * 4),
    "smaller tree": _with(size=lambda case: case["index"] + 1),
}
CONSISTENCY: dict[str, Alter] = {
    **_HASHES,
    "old root changed": _with(old_root=lambda case: flipped(case["old_root"])),
    "roots exchanged": _with(old_root=lambda case: case["root"], root=lambda case: case["old_root"]),
    "older size": _with(old_size=lambda case: case["old_size"] - 1),
    "younger size": _with(old_size=lambda case: case["old_size"] + 1),
    "old beyond new": _with(old_size=lambda case: case["size"] + 1),
    "larger tree": _with(size=lambda case: case["size"] * 4),
}


def _line(number: int, change: Callable[[str], str]) -> Alter:
    """One line of the note changed."""

    def alter(case: Case) -> Case:
        lines = case["note"].split("\n")
        lines[number] = change(lines[number])
        return {**case, "note": "\n".join(lines)}

    return alter


def _signature(at: int, number: int = 4) -> Alter:
    def change(line: str) -> str:
        start, _, signature = line.rpartition(" ")
        return f"{start} {flipped(signature, at)}"

    return _line(number, change)


def _signed_again(key: SignerKey, *, under: str) -> str:
    """The body of the note `under`, signed by another key."""
    return sign_note(under.partition("\n\n")[0] + "\n", key)


def _by_another_key(case: Case) -> Case:
    return {
        **case,
        "note": _signed_again(SignerKey.generate(case["vkey"].partition("+")[0]), under=case["note"]),
    }


def _by_a_key_of_the_same_id(case: Case) -> Case:
    """Signed by somebody else who puts our key's id in front."""
    other = SignerKey.generate(case["vkey"].partition("+")[0])
    lines = _signed_again(other, under=case["note"]).split("\n")
    start, _, signature = lines[4].rpartition(" ")
    ours = bytes.fromhex(case["vkey"].split("+")[1])
    lines[4] = f"{start} {encode64(ours + decode64(signature)[4:])}"
    return {**case, "note": "\n".join(lines)}


CHECKPOINT: dict[str, Alter] = {
    "origin changed": _line(0, lambda line: f"{line}-2"),
    "size changed": _line(1, lambda line: str(int(line) + 1)),
    "root changed": _line(2, lambda line: flipped(line)),
    "a line more": _line(2, lambda line: f"{line}\nmore"),
    "first bit of the signature flipped": _signature(4),
    "last bit of the signature flipped": _signature(67),
    "no signature": lambda case: {**case, "note": case["note"].partition("\n\n")[0] + "\n\n"},
    "signed by another key": _by_another_key,
    "signed by another key under our id": _by_a_key_of_the_same_id,
}


def _by_another_witness(case: Case) -> Case:
    name = case["witnesses"][0].partition("+")[0]
    body, _, lines = case["note"].partition("\n\n")
    other = cosign(f"{body}\n", 1_700_000_000, SignerKey.generate(name, COSIGNATURE))
    return {**case, "note": f"{body}\n\n{lines.splitlines()[0]}\n{other}"}


COSIGNED: dict[str, Alter] = {
    "time of the cosignature changed": _signature(11, 5),
    "cosignature flipped": _signature(12, 5),
    "no cosignature": lambda case: {**case, "note": case["note"].rstrip("\n").rpartition("\n")[0] + "\n"},
    "another witness": _by_another_witness,
}


def _field(name: str, change: Callable[[Any], Any]) -> Alter:
    def alter(case: Case) -> Case:
        content = json.loads(case["envelope"])
        return {**case, "envelope": json.dumps({**content, name: change(content[name])})}

    return alter


def _resigned(case: Case) -> Case:
    """The same statement, signed by another key that claims our key's id."""
    content = json.loads(case["envelope"])
    other = SignerKey.generate(case["vkey"].partition("+")[0], ED25519)
    signature = {
        **content["signatures"][0],
        "sig": encode64(other.private.sign(pae(decode64(content["payload"])))),
    }
    return {**case, "envelope": canonical({**content, "signatures": [signature]}).decode()}


def _by_a_stranger(case: Case) -> Case:
    payload = decode64(json.loads(case["envelope"])["payload"])
    return {**case, "envelope": sign_envelope(payload, SignerKey.generate("other.test")).decode()}


def _reworded(text: str) -> str:
    return encode64(decode64(text).replace(b'"sha256":"', b'"sha256": "', 1))


ENVELOPE: dict[str, Alter] = {
    "first bit of the payload flipped": _field("payload", flipped),
    "last bit of the payload flipped": _field("payload", lambda text: flipped(text, -1)),
    "payload reworded": _field("payload", _reworded),
    "payload type changed": _field("payloadType", lambda text: text.replace("in-toto", "in-tofu")),
    "signature flipped": _field("signatures", lambda found: [{**found[0], "sig": flipped(found[0]["sig"])}]),
    "no signature": _field("signatures", lambda _: []),
    "signed by another key": _by_a_stranger,
    "signed by another key under our id": _resigned,
}
