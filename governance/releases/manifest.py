"""Comparing what somebody found with what is recorded (pure): parts of an identity, files of a model's folder."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.ledger.canonical import CanonicalError, canonical
from governance.registry.kinds.base import ContentError, plain
from governance.releases.identity import MODEL, PARTS

HEX = re.compile(r"[0-9a-f]{64}")
MOST_FILES = 5_000
MAX_PATH = 1_000
MAX_PARTS = 256 * 1024
"""Bytes of the canonical form of the parts."""
SHOWN = 100
"""Differences that an answer names; it counts the others."""
WHAT = "identity"

Files = Mapping[str, str]
"""Path → SHA-256."""


@dataclass(frozen=True)
class Difference:
    """What differs, stands only in the record (missing), or only in what was given (surplus)."""

    differs: tuple[tuple[str, Any, Any], ...] = ()
    """(name, given, recorded)"""
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    same: int = field(default=0, compare=False)

    @property
    def none(self) -> bool:
        return not (self.differs or self.missing or self.surplus)

    @property
    def size(self) -> int:
        return len(self.differs) + len(self.missing) + len(self.surplus)

    @property
    def names(self) -> list[str]:
        return sorted({*(name for name, *_ in self.differs), *self.missing, *self.surplus})

    def record(self, *, values: bool) -> dict[str, Any]:
        """As an answer tells it, with the first of each list; the recorded values only where `values` says so."""
        return {
            "differs": [
                {"name": name, "given": given, **({"recorded": recorded} if values else {})}
                for name, given, recorded in self.differs[:SHOWN]
            ],
            "missing": list(self.missing[:SHOWN]),
            "surplus": list(self.surplus[:SHOWN]),
            "differences": self.size,
            "same": self.same,
        }


def difference(given: Mapping[str, Any], recorded: Mapping[str, Any]) -> Difference:
    """How two objects differ, name by name."""
    both = [name for name in recorded if name in given]
    differs = [(name, given[name], recorded[name]) for name in both if given[name] != recorded[name]]
    return Difference(
        tuple(differs),
        tuple(name for name in recorded if name not in given),
        tuple(name for name in given if name not in recorded),
        len(both) - len(differs),
    )


def hash_from(given: Any) -> str:
    """A behavioural identity as 64 hex digits. Raises ContentError."""
    if not isinstance(given, str) or not HEX.fullmatch(given.strip().lower()):
        raise ContentError(WHAT, [("identity", "write the SHA-256 as 64 hexadecimal digits")])
    return given.strip().lower()


def parts_from(given: Any) -> dict[str, Any]:
    """Parts of an identity, all or some of them. Raises ContentError that names each that is none."""
    if not isinstance(given, Mapping) or not given:
        raise ContentError(WHAT, [("parts", "write an object with the parts of an identity")])
    if unknown := sorted(str(name) for name in set(given) - set(PARTS)):
        known = ", ".join(PARTS)
        raise ContentError(
            WHAT, [(f"parts.{name}", f"there is no such part; there are {known}") for name in unknown[:SHOWN]]
        )
    try:
        found = plain(dict(given))
        size = len(canonical(found))
    except CanonicalError as error:
        raise ContentError(WHAT, [("parts", str(error))]) from error
    if size > MAX_PARTS:
        raise ContentError(WHAT, [("parts", f"write at most {MAX_PARTS:,} bytes")])
    return dict(found)


def of_model_alone(parts: Mapping[str, Any]) -> bool:
    """Whether only a model can be told by these parts, and no release."""
    return set(parts) <= set(MODEL)


def files_from(given: Any) -> dict[str, str]:
    """A folder's manifest, a list of {path, sha256, size}, as path → SHA-256. Raises ContentError naming each line at fault."""
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise ContentError(WHAT, [("manifest", "write a list of {path, sha256, size}")])
    if len(given) > MOST_FILES:
        raise ContentError(WHAT, [("manifest", f"write at most {MOST_FILES:,} files")])
    faults = [fault for number, one in enumerate(given) if (fault := _fault(f"manifest.{number}", one))]
    if faults:
        raise ContentError(WHAT, faults[:SHOWN])
    files = {one["path"]: one["sha256"] for one in given}
    if len(files) != len(given):
        raise ContentError(WHAT, [("manifest", "a path stands twice")])
    return files


def _fault(place: str, one: Any) -> tuple[str, str] | None:
    if not isinstance(one, Mapping) or not {"path", "sha256"} <= set(one) <= {"path", "sha256", "size"}:
        return place, "write an object with path, sha256 and size"
    path, sha256, size = one["path"], one["sha256"], one.get("size", 0)
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH:
        return f"{place}.path", f"write a path of at most {MAX_PATH:,} characters"
    if not isinstance(sha256, str) or not HEX.fullmatch(sha256):
        return f"{place}.sha256", "write 64 hexadecimal digits in lower case"
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return f"{place}.size", "write a whole number of bytes"
    return None
