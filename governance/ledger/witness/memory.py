"""A witness's memory and its judgement (pure): one file for each log, written before anything is cosigned."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from governance.ledger.note import NoteError, TreeHead, open_checkpoint
from governance.ledger.policy import Policy
from governance.ledger.proof import Extension
from governance.ledger.signing import SignerKey, cosign
from governance.ledger.tree import verify_consistency


class Refusal(Exception):
    """Why a witness does not cosign: `status` is the HTTP status of c2sp.org/tlog-witness, `size` what it saw last."""

    def __init__(self, status: int, sentence: str, size: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.size = status, size


class Memory:
    """The witness with `key`, for the logs of `policies`, remembering in `folder`. `clock` gives Unix seconds."""

    def __init__(
        self, folder: Path, key: SignerKey, policies: Sequence[Policy], clock: Callable[[], float]
    ) -> None:
        self.folder, self.key, self.policies, self.clock = folder, key, policies, clock
        folder.mkdir(parents=True, exist_ok=True)

    def add_checkpoint(self, extension: Extension) -> str:
        """The cosignature line. Raises Refusal: 400, 403, 404, 409 or 422."""
        head = self._signed(extension.checkpoint)
        if extension.old > head.size:
            raise Refusal(400, f"the old size {extension.old} is beyond the checkpoint's {head.size}")
        with self._locked(head.origin):
            last = self.last(head.origin)
            _check_extends(extension, head, last)
            # Before the signature leaves: a witness that forgot could be shown another history.
            self._remember(head)
        return cosign(head.text, int(self.clock()), self.key)

    def last(self, origin: str) -> TreeHead | None:
        """The newest head of that log that was cosigned here."""
        try:
            return TreeHead.parse(self._path(origin).read_text())
        except FileNotFoundError:
            return None

    def _signed(self, note: str) -> TreeHead:
        try:
            claimed = TreeHead.of_note(note)
        except NoteError as error:
            raise Refusal(400, str(error)) from error
        keys = [
            key
            for policy in self.policies
            for key in policy.keys_at(claimed.size)
            if key.name == claimed.origin
        ]
        if not any(key.name == claimed.origin for policy in self.policies for key in policy.keys):
            raise Refusal(404, f"this witness does not know the log {claimed.origin!r}")
        try:
            return open_checkpoint(note, keys)
        except NoteError as error:
            raise Refusal(403, str(error)) from error

    def _remember(self, head: TreeHead) -> None:
        path = self._path(head.origin)
        fresh = path.with_suffix(".new")
        with fresh.open("w") as file:
            file.write(head.text)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, origin: str) -> Path:
        return self.folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.head"

    @contextmanager
    def _locked(self, origin: str) -> Iterator[None]:
        with self._path(origin).with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _check_extends(extension: Extension, head: TreeHead, last: TreeHead | None) -> None:
    seen = last or TreeHead(head.origin, 0, b"")
    if extension.old != seen.size:
        raise Refusal(409, f"this witness saw {seen.size} entries last, not {extension.old}", seen.size)
    if last is None or not last.size:
        if extension.hashes:
            raise Refusal(422, "a first checkpoint needs no proof")
        return
    if head.size == last.size and head.root != last.root:
        raise Refusal(
            409, f"this witness saw another tree of {last.size} entries: the log has forked", last.size
        )
    if not verify_consistency(last.size, head.size, last.root, head.root, extension.hashes):
        raise Refusal(422, f"the proof does not lead from {last.size} to {head.size} entries")
