"""The cache that all processes share: a folder of JSON files on one host, Redis on several.

Counting (`incr`) and claiming (`add`) are atomic across processes in both. Values are JSON, so that nothing which somebody
else wrote into the cache is ever unpickled: tuples come back as lists, keys of objects as text, and other types are refused.
"""

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

SUFFIX = ".json"


class JsonSerializer:
    """For Django's Redis cache."""

    def dumps(self, value: Any) -> bytes | int:
        # Redis counts in plain numbers alone.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class FolderCache(BaseCache):
    """One file a key: `[expiry in epoch seconds or null, value]`. When there are MAX_ENTRIES, the oldest third goes."""

    def __init__(self, folder: str | os.PathLike[str], params: dict[str, Any]) -> None:
        super().__init__(params)
        self.folder = Path(folder)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        found = self._read(key, version)
        return found[1] if found else default

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self._read(key, version) is not None

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        text = json.dumps([self.get_backend_timeout(timeout), value])
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_room()
        # Readers never see half a file: it is written beside and renamed.
        handle, part = tempfile.mkstemp(dir=self.folder, suffix=".part")
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(part, self._path(key, version))

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        with self._alone():
            if taken := self.has_key(key, version):
                return not taken
            self.set(key, value, timeout, version)
            return True

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        with self._alone():
            if found := self._read(key, version):
                self.set(key, found[1], timeout, version)
            return found is not None

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Add to a number and keep its expiry. Raises ValueError where there is none."""
        with self._alone():
            found = self._read(key, version)
            if found is None:
                raise ValueError(f"Key {key!r} not found")
            expiry, value = found
            self.set(key, value + delta, None if expiry is None else expiry - time.time(), version)
            return int(value + delta)

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            self._path(key, version).unlink()
        except FileNotFoundError:
            return False
        return True

    def clear(self) -> None:
        for path in self.folder.glob(f"*{SUFFIX}"):
            path.unlink(missing_ok=True)

    def _path(self, key: Any, version: int | None) -> Path:
        name = hashlib.sha256(self.make_and_validate_key(key, version=version).encode()).hexdigest()
        return self.folder / f"{name}{SUFFIX}"

    def _read(self, key: Any, version: int | None) -> tuple[float | None, Any] | None:
        try:
            expiry, value = json.loads(self._path(key, version).read_bytes())
        except (FileNotFoundError, ValueError):
            # After a power cut a file may be empty: as good as none.
            return None
        return None if expiry is not None and expiry < time.time() else (expiry, value)

    def _make_room(self) -> None:
        with os.scandir(self.folder) as found:
            paths = [entry.path for entry in found if entry.name.endswith(SUFFIX)]
        if len(paths) >= self._max_entries:
            for path in sorted(paths, key=_age)[: len(paths) // self._cull_frequency + 1]:
                Path(path).unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _age(path: str) -> float:
    """When a file was written; one that another process took away meanwhile comes first."""
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return 0
