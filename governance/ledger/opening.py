"""Openings: what a withheld fact of an evidence document says, shown to one reader (pure)."""

import re
from collections.abc import Mapping
from typing import Any

from governance.ledger.canonical import canonical, loads_canonical, sha256_hex

HEX = re.compile(r"[0-9a-f]{64}")
OPENING = {"schema", "evidence", "key", "salt", "fact", "commitment"}
SCHEMA = "opening/1"


class NotOpened(ValueError):
    """An opening that is malformed, or opens nothing of the evidence document."""


def commitment(key: str, salt: str, fact: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical {key, salt, fact}: the fact in its plain form, the salt 32 bytes in hex."""
    return sha256_hex(canonical({"key": key, "salt": salt, "fact": dict(fact)}))


def check_opening(data: bytes, evidence: bytes) -> dict[str, Any]:
    """The fact that the opening `data` shows, once it is the one committed to in the bytes of an evidence document.

    Raises NotOpened, or CanonicalError for bytes that are not in canonical form.
    """
    opening = loads_canonical(data)
    if not isinstance(opening, dict) or set(opening) != OPENING or opening["schema"] != SCHEMA:
        raise NotOpened(f"an opening ({SCHEMA}) has exactly {', '.join(sorted(OPENING))}")
    key, salt, fact = opening["key"], opening["salt"], opening["fact"]
    if not isinstance(salt, str) or not HEX.fullmatch(salt) or not isinstance(fact, dict):
        raise NotOpened("the salt of an opening is 32 bytes in hex, its fact an object")
    if opening["evidence"] != sha256_hex(evidence):
        raise NotOpened("the opening is of another bundle's evidence")
    facts = loads_canonical(evidence)["facts"]
    said = next((one.get("commitment") for one in facts if one["key"] == key), None)
    if said is None or fact.get("key") != key:
        raise NotOpened(f"the evidence commits to no withheld fact {str(key)[:80]!r}")
    if not opening["commitment"] == said == commitment(key, salt, fact):
        raise NotOpened("key, salt and fact are not what the evidence committed to")
    return fact
