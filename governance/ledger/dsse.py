"""Signed statements: in-toto Statement v1 in a DSSE envelope, naming each member of a bundle by its digest."""

from collections.abc import Mapping, Sequence
from typing import Any

from governance.ledger.canonical import canonical, loads_canonical, sha256_hex
from governance.ledger.note import VerifierKey, decode64

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


class StatementError(ValueError):
    """An envelope that is malformed or not signed by a given key, or a statement that does not fit its bundle."""


def pae(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding of the payload and its type."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def open_envelope(data: bytes, keys: Sequence[VerifierKey]) -> bytes:
    """The payload, once one of `keys` is found to have signed it. Raises StatementError, NoteError, CanonicalError."""
    match loads_canonical(data):
        case {"payload": str(payload), "payloadType": str(kind), "signatures": [{**signature}], **rest} if (
            not rest
        ):
            content = decode64(payload)
        case _:
            raise StatementError("an envelope has exactly payload, payloadType and one signature")
    if kind != PAYLOAD_TYPE:
        raise StatementError(f"the payload is {kind[:60]!r}, not {PAYLOAD_TYPE}")
    _check_signature(signature, content, keys)
    return content


def statement(members: Mapping[str, bytes], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """The statement about `members`, {name: content}: each with its SHA-256."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": _subjects(members),
            "predicateType": predicate_type,
            "predicate": dict(predicate),
        }
    )


def check_statement(payload: bytes, members: Mapping[str, bytes]) -> None:
    """Raise StatementError unless the statement names exactly `members`, each with the digest of its content."""
    match loads_canonical(payload):
        case {
            "_type": str(kind),
            "subject": list(subject),
            "predicateType": str(),
            "predicate": dict(),
            **rest,
        } if not rest:
            pass
        case _:
            raise StatementError("a statement has exactly _type, subject, predicateType and predicate")
    if kind != STATEMENT_TYPE:
        raise StatementError(f"the statement's type is {kind[:60]!r}, not {STATEMENT_TYPE}")
    if subject != _subjects(members):
        raise StatementError(f"the statement does not fit {_first_difference(subject, members)}")


def _check_signature(signature: Mapping[Any, Any], content: bytes, keys: Sequence[VerifierKey]) -> None:
    match signature:
        case {"keyid": str(key_id), "sig": str(encoded), **rest} if not rest:
            raw = decode64(encoded)
        case _:
            raise StatementError("a signature has exactly keyid and sig")
    candidates = [key for key in keys if key.id.hex() == key_id]
    if not any(key.verifies(raw, pae(content)) for key in candidates):
        raise StatementError("the statement is not signed by a key that was given")


def _subjects(members: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [{"name": name, "digest": {"sha256": sha256_hex(members[name])}} for name in sorted(members)]


def _first_difference(subject: list[Any], members: Mapping[str, bytes]) -> str:
    expected = _subjects(members)
    for item in expected:
        if item not in subject:
            return f"the member {item['name']!r}"
    return "the bundle: it names members that are absent, or in another order"
