"""JSON members of a zip that a stranger made: read one by one in memory, never unpacked to disk (pure)."""

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import zstandard

from governance.registry.importers import BadFile

MOST_MEMBERS = 1_000_100
MOST_MEMBER = 64 * 2**20
"""Bytes of one member, unpacked."""
MOST_ALL = 8 * 2**30
"""Bytes of all members, unpacked."""
ZSTD = 93
"""Zip's number for Zstandard (APPNOTE 6.3.10, 4.4.5), which Python's own reader does not know."""
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LOCAL_HEADER = 30
"""Bytes of a member's local header before its name (APPNOTE 4.3.7)."""
ENCRYPTED = 0x1


class Archive:
    """A checked zip. Opening it raises BadFile for what cannot be read in bounded memory or is no plain member."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise BadFile(f"{path.name} is no zip that can be read: {error}.") from error
        self._file: BinaryIO = path.open("rb")
        self._members = self._checked()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def within(self, folder: str) -> Iterator[str]:
        """Names of the JSON members of a folder, sorted."""
        for name in sorted(self._members):
            if name.startswith(f"{folder}/") and name.endswith(".json"):
                yield name

    def read(self, name: str) -> bytes:
        """A member's bytes, at most MOST_MEMBER. Raises BadFile."""
        info = self._members[name]
        place = f"{self._name}, {name}"
        try:
            data = self._zstd(info) if info.compress_type == ZSTD else self._zip.read(info)
        except (zipfile.BadZipFile, zstandard.ZstdError, zlib.error, EOFError, OSError, ValueError) as error:
            raise BadFile(f"{place} cannot be unpacked: {error}.") from error
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise BadFile(f"{place} is not what the zip says of it: its size or its checksum differs.")
        return data

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise BadFile(f"{self._name} has more than {MOST_MEMBERS:,} members.")
        for info in members:
            if fault := _fault(info, found):
                raise BadFile(f"{self._name}, {info.filename[:200]}: {fault}.")
            found[info.filename] = info
        if sum(info.file_size for info in members) > MOST_ALL:
            raise BadFile(f"{self._name} would unpack to more than {MOST_ALL >> 30} GiB.")
        return found

    def _zstd(self, info: zipfile.ZipInfo) -> bytes:
        self._file.seek(info.header_offset)
        header = self._file.read(LOCAL_HEADER)
        # The local header has lengths of its own for name and extra field; those of the directory may differ.
        skipped = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        self._file.seek(skipped, 1)
        packed = self._file.read(info.compress_size)
        with zstandard.ZstdDecompressor(max_window_size=MOST_MEMBER).stream_reader(BytesIO(packed)) as reader:
            return bytes(reader.read(info.file_size + 1))


def _fault(info: zipfile.ZipInfo, before: dict[str, zipfile.ZipInfo]) -> str:
    """What keeps a member from being read, empty where nothing does."""
    name = info.filename
    if name.startswith("/") or "\\" in name or ":" in name.split("/")[0] or ".." in name.split("/"):
        return "a member's name leads out of the archive"
    if name in before:
        return "there are two members of that name"
    if info.flag_bits & ENCRYPTED:
        return "it is encrypted"
    if info.compress_type not in (*PLAIN, ZSTD):
        return f"it is compressed by method {info.compress_type}; stored, deflated and Zstandard members are read"
    if info.file_size > MOST_MEMBER:
        return f"it would unpack to more than {MOST_MEMBER >> 20} MiB"
    return ""
