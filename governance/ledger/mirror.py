"""The public log as a folder in the C2SP tlog-tiles layout (c2sp.org/tlog-tiles), for any web server or a stranger's disk.

It holds what `LEDGER_PUBLIC` serves below /ledger/, and besides `policy.txt` and the RFC 3161 timestamps. A folder that
holds an earlier state of the same log is brought up to date: a tile or entry bundle that is there stays as it is, once
the folder's own checkpoint covers it. Others, left by an export that died, are compared.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from governance.ledger import keys, publish, tiles
from governance.ledger.models import Timestamp
from governance.ledger.note import NoteError, TreeHead
from governance.ledger.tiling import TILE_BITS, TILE_WIDTH, root, tile_path, width_at


class OtherHistory(Exception):
    """The folder holds a checkpoint that is not one of this log's past, or a tile or entries that are not this log's."""


@dataclass(frozen=True)
class Mirrored:
    """The tree's size in the folder, and how many files were written to bring it there."""

    size: int
    written: int

    def __str__(self) -> str:
        return f"{self.size} entries, {self.written} files written"


def write(folder: Path) -> Mirrored:
    """Bring `folder` to the newest signed checkpoint, which is written last: until then the old one stands.

    Raises publish.NotThere when nothing is signed, OtherHistory, and OSError.
    """
    note = publish.checkpoint()
    size = TreeHead.of_note(note).size
    past = _past(folder / "checkpoint", size)
    written = 0
    for level, index in _tiles(size):
        width = width_at(level, index, size)
        covered = width_at(level, index, past) == width
        written += _write_tile(folder, level, index, width, covered=covered)
    for stamp in Timestamp.objects.filter(checkpoint__lte=size).select_related("checkpoint"):
        written += _write_timestamp(folder / "timestamps", stamp)
    written += _write(folder / "policy.txt", keys.policy().text.encode())
    written += _write(folder / "checkpoint", note.encode())
    return Mirrored(size, written)


def _past(path: Path, size: int) -> int:
    """The size that the folder's checkpoint tells of, 0 without one. Raises OtherHistory."""
    if not path.exists():
        return 0
    try:
        past = keys.policy_without_quorum().open(path.read_text()).head
    except (NoteError, UnicodeDecodeError) as error:
        raise OtherHistory(f"{path} is no checkpoint of this log: {error}. Give another folder") from error
    if past.size > size or root(tiles.cached(), past.size) != past.root:
        raise OtherHistory(
            f"{path} tells of {past.size} entries that this log does not have; keep that folder, it is evidence,"
            " and run `manage.py ledger verify`"
        )
    return past.size


def _tiles(size: int) -> Iterator[tuple[int, int]]:
    level = 0
    while hashes := size >> (TILE_BITS * level):
        yield from ((level, index) for index in range(-(-hashes // TILE_WIDTH)))
        level += 1


def _write_tile(folder: Path, level: int, index: int, width: int, *, covered: bool) -> int:
    """Write a tile and, at level 0, the entries and public parts under it; return how many files changed.

    `covered` says that the folder's own checkpoint tells of the whole tile: then what is there is not looked at.
    """
    path = folder / tile_path(level, index, width)
    written = 0
    if not (covered and path.exists()):
        written += _write_once(path, publish.tile(level, index, width))
    if level:
        return written
    bundle = folder / "tile" / "entries" / path.relative_to(folder / "tile" / "0")
    if not (covered and bundle.exists()):
        written += _write_once(bundle, publish.entries(index, width))
    return written + _write_parts(folder / "parts", index, width)


def _write_once(path: Path, data: bytes) -> int:
    """As _write, but what says otherwise stays. Raises OtherHistory."""
    if path.exists() and path.read_bytes() != data:
        raise OtherHistory(
            f"{path} is not what this log has there, and no checkpoint beside it says whose it is; give another folder"
        )
    return _write(path, data)


def _write_parts(folder: Path, index: int, width: int) -> int:
    """Parts may be erased: they are compared each time, and those of a smaller tree go."""
    whole = folder / tile_path(0, index).removeprefix("tile/0/")
    partial = Path(f"{whole}.p")
    path = whole if width == TILE_WIDTH else partial / str(width)
    changed = _write(path, publish.parts(index, width))
    if width == TILE_WIDTH:
        shutil.rmtree(partial, ignore_errors=True)
    else:
        for older in partial.iterdir():
            if older != path:
                older.unlink()
    return changed


def _write_timestamp(folder: Path, stamp: Timestamp) -> int:
    """The token, and the note that it is over, which is the checkpoint without its cosignatures."""
    place = folder / str(stamp.checkpoint.size)
    token = place / f"{urlsplit(stamp.authority).hostname}.tsr"
    return _write(place / "note", stamp.checkpoint.note.encode()) + _write(token, bytes(stamp.token))


def _write(path: Path, data: bytes) -> int:
    """Put `data` at `path` in one step, unless it is there; return how many files changed (0 or 1)."""
    if path.exists() and path.read_bytes() == data:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        # A name that survives a power cut without its bytes would never be written again.
        os.fsync(file.fileno())
    fresh.rename(path)
    return 1
