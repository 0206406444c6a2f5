"""The signer: signs heads of the tree, and only such as extend the last one it signed.

It remembers that one in a file outside the database, so that a database restored from an old backup, or
rewritten, cannot make it sign a second history.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance.ledger import keys, tiles
from governance.ledger.models import Checkpoint, Head, Tile
from governance.ledger.note import NoteError, TreeHead, VerifierKey, open_checkpoint
from governance.ledger.signing import sign_note
from governance.ledger.tiling import root


class Refused(Exception):
    """The signer will not sign this tree: it is no extension of what it signed before."""


def memory_path() -> Path:
    """Where the signer keeps the last note it signed."""
    return Path(settings.LEDGER_DIR) / "last.note"


def sign() -> Checkpoint:
    """Sign the tree as sequenced, or return its checkpoint when it is signed already.

    Raises keys.KeyUnavailable without the private key, Refused for a tree that shrank or was rewritten, and
    RuntimeError inside a transaction, whose head might never be committed.
    """
    key = keys.signer()
    with lock(), transaction.atomic(durable=True):
        _refuse_frozen()
        head = _current()
        last = _last([*keys.verifiers(), key.verifier])
        if last is None:
            _refuse_lost_memory()
        else:
            _refuse_unless_extended(last, head)
        if last is None or last.size < head.size:
            # Read only now, under the lock: a rotation may just have added a key.
            _remember(sign_note(head.text, *keys.signers()))
        # Dying here leaves a note that is remembered but not published; the next call publishes that same one.
        return _publish(head, memory_path().read_text())


def frozen_path() -> Path:
    """The last note of a log whose key was compromised; while it is there, that log signs nothing more."""
    return Path(settings.LEDGER_DIR) / "frozen.note"


def frozen() -> TreeHead | None:
    """The last head of a frozen log, or None. Its origin stays frozen for ever; another may go on."""
    try:
        return TreeHead.of_note(frozen_path().read_text())
    except FileNotFoundError:
        return None


def last_signed(verifiers: list[VerifierKey]) -> TreeHead | None:
    """The head that the signer remembers, or None. Raises Refused when the file is damaged."""
    return _last(verifiers)


def _refuse_frozen() -> None:
    last = frozen()
    if last is not None and last.origin == settings.LEDGER_ORIGIN:
        raise Refused(
            f"the log {last.origin} is frozen at {last.size} entries, because its key was compromised. Give"
            " LEDGER_ORIGIN another name and run `manage.py ledger keygen`: the log goes on under that one"
        )


def _current() -> TreeHead:
    head = Head.objects.get()
    current = TreeHead(settings.LEDGER_ORIGIN, head.size, bytes.fromhex(head.root))
    if root_at(current.size) != current.root:
        raise Refused(f"the tiles do not give the head's root at {head.size}; run `manage.py ledger verify`")
    return current


def root_at(size: int) -> bytes | None:
    """The stored tree's root at that size; None where the tiles do not reach so far or do not fit together."""
    try:
        return root(tiles.cached(), size)
    except (Tile.DoesNotExist, ValueError):
        return None


def _last(verifiers: list[VerifierKey]) -> TreeHead | None:
    try:
        note = memory_path().read_text()
    except FileNotFoundError:
        return None
    try:
        return open_checkpoint(note, verifiers)
    except NoteError as error:
        raise Refused(f"the signer's memory {memory_path()} is damaged: {error}") from error


def _refuse_lost_memory() -> None:
    newest = Checkpoint.objects.order_by("-size").first()
    if newest is not None:
        raise Refused(
            f"the signer's memory {memory_path()} is gone although {newest} is published. Restore the file from its"
            " backup; or, once `manage.py ledger verify` holds and the newest checkpoint equals the one others have"
            f" seen, write it back with `manage.py ledger checkpoint > {memory_path()}`"
        )


def _refuse_unless_extended(last: TreeHead, head: TreeHead) -> None:
    if last.size > head.size:
        raise Refused(
            f"the tree shrank from {last.size} to {head.size} entries: was an old backup restored? Nothing is signed until"
            f" entries {head.size} to {last.size - 1} are back; if they are lost for good, `manage.py ledger abandon` says so"
            " in the log and ends it under this name"
        )
    if root_at(last.size) != last.root:
        raise Refused(
            f"the tree was rewritten: at {last.size} entries it has another root than the one signed before."
            " Nothing is signed; run `manage.py ledger verify`"
        )


def _remember(note: str) -> None:
    """Before anybody else sees the note."""
    keys.replace(memory_path(), note)


def _publish(head: TreeHead, note: str) -> Checkpoint:
    checkpoint, _ = Checkpoint.objects.get_or_create(
        size=head.size, defaults={"note": note, "at": timezone.now().replace(microsecond=0)}
    )
    if checkpoint.note != note:
        raise Refused(f"{checkpoint} is published with another note than the signer remembers")
    return checkpoint


@contextmanager
def lock() -> Iterator[None]:
    """One signer at a time on this host; the lock goes with the process."""
    memory_path().parent.mkdir(parents=True, exist_ok=True)
    with memory_path().with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
