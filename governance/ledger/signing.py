"""Signing: the private key, and what it puts its name under. The verifier needs none of this."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.ledger.canonical import canonical
from governance.ledger.dsse import PAYLOAD_TYPE, pae
from governance.ledger.note import (
    ED25519,
    NAME,
    TIME_BYTES,
    NoteError,
    VerifierKey,
    cosigned,
    encode64,
    key_fields,
)

_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True)
class SignerKey:
    """The private half: `text` is Go's `PRIVATE+KEY+name+id+base64`. Its repr shows no secret."""

    name: str
    private: Ed25519PrivateKey
    kind: bytes = ED25519

    @classmethod
    def generate(cls, name: str, kind: bytes = ED25519) -> SignerKey:
        """A fresh key: a log's, or with `kind` COSIGNATURE a witness's.

        Raises NoteError for a name with spaces, plus signs or control characters.
        """
        if not NAME.fullmatch(name):
            raise NoteError(f"{name!r} is no key name: it must be non-empty, without spaces and plus signs")
        return cls(name, Ed25519PrivateKey.generate(), kind)

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """Read a private key's text. Raises NoteError without repeating the secret."""
        if not text.startswith(_PRIVATE):
            raise NoteError(f"a private key's text starts with {_PRIVATE}")
        name, key_id, kind, seed = key_fields(text.removeprefix(_PRIVATE), "private")
        key = cls(name, Ed25519PrivateKey.from_private_bytes(seed), kind)
        if key.verifier.id.hex() != key_id:
            raise NoteError(f"the key id {key_id} of {name!r} does not fit its private key")
        return key

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw(), self.kind)

    @property
    def text(self) -> str:
        material = encode64(self.kind + self.private.private_bytes_raw())
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{material}"

    def __repr__(self) -> str:
        return f"SignerKey({self.name!r})"


def sign_note(body: str, *keys: SignerKey) -> str:
    """The note that carries `body` (text ending in a newline) and a signature by each of `keys`."""
    return f"{body}\n" + "".join(_line(key, key.private.sign(body.encode())) for key in keys)


def cosign(body: str, moment: int, key: SignerKey) -> str:
    """A witness's signature line under a checkpoint's `body`, given at `moment` (Unix seconds)."""
    return _line(key, moment.to_bytes(TIME_BYTES, "big") + key.private.sign(cosigned(body, moment)))


def _line(key: SignerKey, material: bytes) -> str:
    return f"— {key.name} {encode64(key.verifier.id + material)}\n"


def sign_envelope(payload: bytes, key: SignerKey) -> bytes:
    """The envelope around `payload`, in canonical form."""
    signature = {"keyid": key.verifier.id.hex(), "sig": encode64(key.private.sign(pae(payload)))}
    return canonical({"payload": encode64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]})
