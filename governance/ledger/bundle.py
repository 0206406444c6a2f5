"""The bundle: a zip file in its one allowed byte form, so that no flipped bit goes unnoticed.

Members are stored uncompressed, sorted by name, dated 1980-01-01, without extra fields or comments. The reader
takes what the file says, writes it again, and refuses the file unless the bytes are the same.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from itertools import pairwise

MAX_MEMBERS = 65_534
MAX_BYTES = 2**32 - 1
MAX_NAME = 200
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")

# PKWARE APPNOTE 4.3.7, 4.3.12 and 4.3.16; 0x21 is 1980-01-01 in MS-DOS format.
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION, _DATE = 10, 0x21


class BundleError(ValueError):
    """A file that is no bundle, or a name that may not be in one."""


def write(members: Mapping[str, bytes]) -> bytes:
    """The bundle of `members`, {name: content}. Raises BundleError for a name or a size that is not allowed."""
    _check_names(sorted(members))
    local, central = bytearray(), bytearray()
    for name in sorted(members):
        content = members[name]
        facts = (_VERSION, 0, 0, 0, _DATE, zlib.crc32(content), len(content), len(content), len(name), 0)
        central += _CENTRAL.pack(b"PK\1\2", _VERSION, *facts, 0, 0, 0, 0, len(local)) + name.encode()
        local += _LOCAL.pack(b"PK\3\4", *facts) + name.encode() + content
        if len(local) > MAX_BYTES:
            raise BundleError(f"a bundle holds at most {MAX_BYTES} bytes")
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), len(central), len(local), 0)
    return bytes(local + central + end)


def read(data: bytes) -> dict[str, bytes]:
    """The members of a bundle. Raises BundleError unless `data` is exactly what `write` makes of them."""
    members: dict[str, bytes] = {}
    for name, content in _members(data):
        if name in members:
            raise BundleError(f"the bundle holds {name!r} twice")
        members[name] = content
    if write(members) != data:
        raise BundleError(
            "the file is not in the one byte form of a bundle: it was changed or made by another tool"
        )
    return members


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        if len(data) < at + _LOCAL.size:
            raise BundleError("the bundle is cut short")
        header = _LOCAL.unpack_from(data, at)
        size, name_length = header[8], header[9]
        start = at + _LOCAL.size + name_length
        if start + size > len(data):
            raise BundleError("the bundle is cut short")
        name = data[at + _LOCAL.size : start].decode("ascii", "replace")
        yield name, data[start : start + size]
        at = start + size
    if not at:
        raise BundleError("the file is not a bundle")


def _check_names(names: list[str]) -> None:
    if not 0 < len(names) <= MAX_MEMBERS:
        raise BundleError(f"a bundle holds 1 to {MAX_MEMBERS} members")
    for name in names:
        if len(name) > MAX_NAME or not _NAME.fullmatch(name) or ".." in name:
            raise BundleError(f"{name[:MAX_NAME]!r} may not be the name of a member")
    folded = sorted(name.lower() for name in names)
    for one, other in pairwise(folded):
        # Equal names but for case, or a file where another name needs a folder, cannot be unpacked everywhere.
        if one == other or other.startswith(f"{one}/"):
            raise BundleError(f"the names {one!r} and {other!r} cannot stand side by side")
