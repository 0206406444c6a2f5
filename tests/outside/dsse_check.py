"""Our signed statements in securesystemslib's terms. Runs where it is installed; knows nothing of Charter."""

import base64
import json
import sys

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey


def envelope(case):
    _, key_id, material = case["vkey"].split("+", 2)
    public = base64.b64decode(material)[1:].hex()
    key = SSlibKey(key_id, "ed25519", "ed25519", {"public": public})
    Envelope.from_dict(json.loads(case["envelope"])).verify([key], 1)


def verdict(case):
    try:
        envelope(case)
    except VerificationError as refusal:
        return f"VerificationError: {refusal}"
    return None


json.dump([verdict(case) for case in json.load(sys.stdin)], sys.stdout)
