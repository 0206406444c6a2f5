"""Signing: the private key, and what it puts its name under. The verifier needs none of this."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.ledger.canonical import canonical
from governance.ledger.dsse import PAYLOAD_TYPE, pae
from governance.ledger.note import ED25519, NAME, NoteError, VerifierKey, encode64, key_fields

_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True)
class SignerKey:
    """The private half: `text` is Go's `PRIVATE+KEY+name+id+base64`. Its repr shows no secret."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> SignerKey:
        """A fresh key. Raises NoteError for a name with spaces, plus signs or control characters."""
        if not NAME.fullmatch(name):
            raise NoteError(f"{name!r} is no key name: it must be non-empty, without spaces and plus signs")
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """Read a private key's text. Raises NoteError without repeating the secret."""
        if not text.startswith(_PRIVATE):
            raise NoteError(f"a private key's text starts with {_PRIVATE}")
        name, key_id, seed = key_fields(text.removeprefix(_PRIVATE), "private")
        key = cls(name, Ed25519PrivateKey.from_private_bytes(seed))
        if key.verifier.id.hex() != key_id:
            raise NoteError(f"the key id {key_id} of {name!r} does not fit its private key")
        return key

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        material = encode64(ED25519 + self.private.private_bytes_raw())
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{material}"

    def __repr__(self) -> str:
        return f"SignerKey({self.name!r})"


def sign_note(body: str, key: SignerKey) -> str:
    """The note that carries `body` (text ending in a newline) and the key's signature."""
    signature = encode64(key.verifier.id + key.private.sign(body.encode()))
    return f"{body}\n— {key.name} {signature}\n"


def sign_envelope(payload: bytes, key: SignerKey) -> bytes:
    """The envelope around `payload`, in canonical form."""
    signature = {"keyid": key.verifier.id.hex(), "sig": encode64(key.private.sign(pae(payload)))}
    return canonical({"payload": encode64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]})
