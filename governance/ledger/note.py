"""C2SP signed notes, checkpoints and cosignatures (c2sp.org/signed-note, /tlog-checkpoint, /tlog-cosignature), Ed25519."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519, COSIGNATURE = b"\1", b"\4"
"""Kinds of key: one that signs notes, and a witness's, which signs a checkpoint together with the time."""
KEY_BYTES = 32
ID_BYTES = 4
SIGNATURE_BYTES = 64
TIME_BYTES = 8
ROOT_BYTES = 32
MAX_SIGNATURES = 100
NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteError(ValueError):
    """A key, note or checkpoint that is malformed, or that no given key has signed.

    Of a note it quotes nothing that nobody known signed: who serves it could say something else each time.
    """


@dataclass(frozen=True)
class VerifierKey:
    """The public half: `text` is the C2SP vkey `name+id+base64`."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a vkey. Raises NoteError when it is malformed or its id belongs to another key."""
        name, key_id, kind, public = key_fields(text, "public")
        key = cls(name, public, kind)
        if key.id.hex() != key_id:
            raise NoteError(f"the key id {key_id} of {name!r} does not fit its public key")
        return key

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256 over name and public key."""
        material = self.name.encode() + b"\n" + self.kind + self.public
        return hashlib.sha256(material).digest()[:ID_BYTES]

    @property
    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode64(self.kind + self.public)}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class TreeHead:
    """What a checkpoint says: which log, how many entries, which root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{encode64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> TreeHead:
        """Read a checkpoint's body. Raises NoteError when it is malformed."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise NoteError("a checkpoint has three lines: origin, size and root")
        root = decode64(lines[2])
        if len(root) != ROOT_BYTES:
            raise NoteError(f"a checkpoint's root has {ROOT_BYTES} bytes, not {len(root)}")
        return cls(lines[0], int(lines[1]), root)

    @classmethod
    def of_note(cls, text: str) -> TreeHead:
        """What a note claims, whoever signed it. Raises NoteError when it is malformed."""
        return cls.parse(_split(text)[0])


def open_note(text: str, keys: Sequence[VerifierKey]) -> str:
    """The body of the note, once at least one of `keys` is found to have signed it.

    Signatures by other keys are passed over; a wrong one by a given key is not. Raises NoteError.
    """
    body, lines = _split(text)
    known = {(key.name, key.id): key for key in keys if key.kind == ED25519}
    verified = 0
    for line in lines:
        name, material = _signature(line)
        key = known.get((name, material[:ID_BYTES]))
        if key is None:
            continue
        signature = material[ID_BYTES:]
        if len(signature) != SIGNATURE_BYTES or not key.verifies(signature, body.encode()):
            raise NoteError(f"the signature by {name} does not fit the note")
        verified += 1
    if not verified:
        wanted = ", ".join(f"{key.name} ({key.id.hex()})" for key in keys)
        raise NoteError(f"the note is not signed by {wanted or 'anybody known: no key was given'}")
    return body


def cosigned(body: str, moment: int) -> bytes:
    """What a witness signs at `moment` (Unix seconds): the checkpoint's body under a header with the time."""
    return f"cosignature/v1\ntime {moment}\n{body}".encode()


def cosignatures(text: str, witnesses: Sequence[VerifierKey]) -> dict[VerifierKey, int]:
    """Which of `witnesses` have cosigned the note, each with the time (Unix seconds) that it signed. Raises NoteError."""
    body, lines = _split(text)
    known = {(key.name, key.id): key for key in witnesses if key.kind == COSIGNATURE}
    found: dict[VerifierKey, int] = {}
    for line in lines:
        name, material = _signature(line)
        key = known.get((name, material[:ID_BYTES]))
        if key is None:
            continue
        moment, signature = material[ID_BYTES:-SIGNATURE_BYTES], material[-SIGNATURE_BYTES:]
        seconds = int.from_bytes(moment, "big")
        if len(moment) != TIME_BYTES or not key.verifies(signature, cosigned(body, seconds)):
            raise NoteError(f"the cosignature by {name} does not fit the note")
        found[key] = seconds
    return found


def open_checkpoint(text: str, keys: Sequence[VerifierKey]) -> TreeHead:
    """The tree head that a signed checkpoint carries; its origin must be a signing key's name. Raises NoteError."""
    head = TreeHead.parse(open_note(text, keys))
    open_note(text, [key for key in keys if key.name == head.origin])
    return head


def key_fields(text: str, half: str) -> tuple[str, str, bytes, bytes]:
    """Name, id, kind and 32 key bytes of a key's text `name+id+base64`. Raises NoteError without repeating the bytes."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    if not NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-f]{8}", key_id):
        raise NoteError(f"a {half} key reads name+id+base64, with an id of eight hex digits")
    try:
        material = decode64(encoded)
    except NoteError as error:
        raise NoteError(f"the {half} key of {name!r} is not base64") from error
    if material[:1] not in (ED25519, COSIGNATURE) or len(material) != 1 + KEY_BYTES:
        raise NoteError(f"the {half} key of {name!r} is not an Ed25519 key")
    return name, key_id, material[:1], material[1:]


def encode64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decode64(text: str) -> bytes:
    """Standard base64 in its one form: padded, no stray bits. Raises NoteError, which repeats none of it: it may be secret."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("something is not base64") from error
    if encode64(data) != text:
        raise NoteError("something is not the one base64 form of its bytes")
    return data


def _split(text: str) -> tuple[str, list[str]]:
    body, separator, signatures = text.rpartition("\n\n")
    lines = signatures.split("\n")
    if not separator or len(lines) < 2 or lines.pop() or len(lines) > MAX_SIGNATURES:
        raise NoteError("a note is its text, an empty line and 1 to 100 signature lines")
    if len(set(lines)) < len(lines):
        raise NoteError("a signature line stands twice")
    if any(char < " " and char != "\n" for char in body):
        raise NoteError("the note's text contains a control character")
    return body + "\n", lines


def _signature(line: str) -> tuple[str, bytes]:
    match = _SIGNATURE_LINE.fullmatch(line)
    if not match:
        raise NoteError("a line under the note is no signature line")
    return match[1], decode64(match[2])
