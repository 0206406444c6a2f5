"""Our proofs and checkpoints in sigstore-python's terms. Runs where it is installed; knows nothing of Charter."""

import base64
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore._internal.trust import Keyring
from sigstore.errors import VerificationError
from sigstore.models import TransparencyLogEntry
from sigstore_models.common.v1 import PublicKey
from sigstore_models.rekor.v1 import TransparencyLogEntry as Inner


def inclusion(case):
    proof = {
        "logIndex": str(case["index"]),
        "rootHash": case["root"],
        "treeSize": str(case["size"]),
        "hashes": case["hashes"],
        "checkpoint": {"envelope": "read by itself"},
    }
    inner = {
        "logIndex": str(case["index"]),
        "logId": {"keyId": ""},
        "kindVersion": {"kind": "entry", "version": "1"},
        "canonicalizedBody": case["leaf"],
        "inclusionProof": proof,
    }
    verify_merkle_inclusion(TransparencyLogEntry(Inner.from_json(json.dumps(inner))))


def checkpoint(case):
    _, key_id, material = case["vkey"].split("+", 2)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(material)[1:])
    spki = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    described = json.dumps({"rawBytes": spki, "keyDetails": "PKIX_ED25519"})
    keyring = Keyring([PublicKey.from_json(described)])
    SignedCheckpoint.from_text(case["note"]).signed_note.verify(keyring, bytes.fromhex(key_id))


def verdict(case):
    try:
        {"inclusion": inclusion, "checkpoint": checkpoint}[case["kind"]](case)
    except (VerificationError, ValidationError) as refusal:
        return f"{type(refusal).__name__}: {refusal}"
    return None


json.dump([verdict(case) for case in json.load(sys.stdin)], sys.stdout)
