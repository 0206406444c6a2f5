"""The full audit behind `ledger verify`: entries, tree, checkpoints, rows and stored files, recomputed and compared.

It trusts nothing that stands in the database, so what it finds is a sentence and never an exception: a row that
was tampered with may break any code that reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Model, QuerySet

from governance.ledger import auditable, keys, signer, triggers
from governance.ledger.append import commitment, timestamp
from governance.ledger.canonical import canonical, loads_canonical
from governance.ledger.models import Auditable, Checkpoint, Entry, Head, Tile
from governance.ledger.note import TreeHead, open_checkpoint
from governance.ledger.policy import Policy
from governance.ledger.tiling import Span, integrate, root, tile_path
from governance.ledger.tree import leaf_hash

CHUNK = 500
OWN_CHECKS = ("entries", "revisions", "tree", "checkpoints", "rows", "guards")

# Called with what is being read, how many items are done and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Problem:
    """One thing that does not hold, in a sentence."""

    check: str
    sentence: str


@dataclass
class Audit:
    """How many things each check looked at, and every problem it found."""

    looked_at: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """What is no fault but should be known, such as something that started and has not ended."""

    @property
    def holds(self) -> bool:
        return not self.problems

    def found(self, check: str, sentence: str) -> None:
        self.problems.append(Problem(check, sentence))

    def require(self, check: str, holds: bool, sentence: str) -> None:
        if not holds:
            self.found(check, sentence)


# Called with the set of what has been found whole already, which it adds to.
Check = Callable[[Audit, Progress, set[str]], None]
_further: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """Have the audit also look at what a room keeps beside the ledger's own. Called by its AppConfig.ready()."""
    _further[name] = check


def checks() -> list[str]:
    """The names of all checks, in the order in which they are made."""
    return [*OWN_CHECKS, *_further]


class Done(set[str]):
    """What a run has found whole already, kept in a file until it ends, so that an interrupted one can go on.

    Raises OSError where the file cannot be written. Its names hold no blanks.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        super().__init__(path.read_text().split() if resume and path.exists() else ())
        self._path = path
        self._file = path.open("a" if resume else "w")

    def add(self, name: str) -> None:
        super().add(name)
        self._file.write(f"{name}\n")
        self._file.flush()

    def forget(self) -> None:
        """The run has come to its end."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def run(progress: Progress = lambda what, done, total: None, done: set[str] | None = None) -> Audit:
    """Audit the whole ledger, on one snapshot of the database, and reconcile every auditable row with it.

    Then come the checks that rooms have registered; those that take long skip what is in `done`. The ledger itself is
    always read from the start: a part of it proves nothing.
    """
    audit = Audit()
    policy = _policy(audit)
    # The signer's memory first: it must not be newer than the snapshot.
    remembered = _remembered(audit, policy)
    with _snapshot():
        walk = _Walk(audit)
        for entry in _each(audit, "entries", _in_leaf_order(), progress):
            audit.looked_at["entries"] += 1
            _attempt(audit, "entries", _named(entry), lambda entry=entry: walk.visit(entry))  # type: ignore[misc]
        walk.finish()
        _check_tree(audit, walk)
        _check_checkpoints(audit, walk, policy, progress)
        if remembered is not None:
            _check_head(audit, walk, remembered, "the last note that the signer remembers")
        for model in auditable.registered():
            _reconcile(audit, walk, model, progress)
        _check_vanished(audit, walk)
        _check_guards(audit)
    whole = set() if done is None else done
    for name, check in _further.items():
        _attempt(audit, name, name, lambda check=check: check(audit, progress, whole))  # type: ignore[misc]
    return audit


class _Walk:
    """Reads the entries in leaf order, and builds the tree and each object's newest revision out of their bodies."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.size = 0
        self.tiles: dict[Span, bytes] = {}
        self.newest: dict[tuple[str, str], tuple[int, str]] = {}
        self.waiting: list[bytes] = []

    def visit(self, entry: Entry) -> None:
        body = bytes(entry.body)
        leaf = leaf_hash(body)
        if entry.leaf_index is not None:
            self._place(entry, leaf)
        self._follow(entry, leaf.hex())
        self.audit.require(
            "entries", entry.leaf_hash == leaf.hex(), f"{_named(entry)}: its body does not have its leaf hash"
        )
        _check_body(self.audit, entry, loads_canonical(body))

    def finish(self) -> None:
        """Fold what waits into the tree."""
        self.size, changed = integrate(self.read, self.size, self.waiting)
        self.tiles.update(changed)
        self.waiting = []

    def read(self, level: int, index: int) -> bytes:
        return self.tiles[level, index]

    def _place(self, entry: Entry, leaf: bytes) -> None:
        expected = self.size + len(self.waiting)
        self.audit.require(
            "tree",
            entry.leaf_index == expected,
            f"{_named(entry)} stands where leaf index {expected} belongs: an entry is missing or was moved",
        )
        self.waiting.append(leaf)
        if len(self.waiting) >= CHUNK:
            self.finish()

    def _follow(self, entry: Entry, leaf: str) -> None:
        subject = (entry.object_type, entry.object_id)
        rev, previous = self.newest.get(subject, (0, None))
        self.audit.looked_at["revisions"] += 1
        self.audit.require(
            "revisions",
            entry.rev == rev + 1,
            f"{_named(entry)} is revision {entry.rev} of {' '.join(subject)}, after revision {rev}",
        )
        stated = loads_canonical(bytes(entry.body)).get("prev")
        self.audit.require(
            "revisions",
            stated == previous,
            f"{_named(entry)} does not point at the entry before it of {' '.join(subject)}",
        )
        self.newest[subject] = (entry.rev, leaf)


def _check_body(audit: Audit, entry: Entry, body: dict[str, Any]) -> None:
    columns = {
        "v": 1,
        "type": entry.object_type,
        "id": entry.object_id,
        "rev": entry.rev,
        "op": entry.op,
        "actor": entry.actor,
        "at": timestamp(entry.at),
    }
    for name, value in columns.items():
        audit.require(
            "entries",
            body.get(name) == value,
            f"{_named(entry)}: its column for {name} says {value!r}, its body {body.get(name)!r}",
        )
    commitments = body.get("payload", {})
    audit.require(
        "entries",
        set(commitments) == set(entry.parts),
        f"{_named(entry)}: its parts are of other classes than its body commits to",
    )
    for name, part in entry.parts.items():
        audit.require(
            "entries",
            part is None or commitment(part) == commitments.get(name),
            f"{_named(entry)}: its part of class {name} is not what its body commits to",
        )


def _check_tree(audit: Audit, walk: _Walk) -> None:
    head = Head.objects.first()
    audit.looked_at["tree"] = walk.size
    audit.require(
        "tree",
        head is not None and head.size == walk.size,
        f"the head speaks of {head.size if head else 'no'} entries, the ledger holds {walk.size}",
    )
    audit.require(
        "tree",
        head is not None and head.root == root(walk.read, walk.size).hex(),
        "the head's root is not that of the entries",
    )
    stored = {(tile.level, tile.idx): bytes(tile.data) for tile in Tile.objects.iterator()}
    for level, index in sorted(stored.keys() | walk.tiles.keys()):
        audit.require(
            "tree",
            stored.get((level, index)) == walk.tiles.get((level, index)),
            f"{tile_path(level, index)} is not made of the entries",
        )


def _check_checkpoints(audit: Audit, walk: _Walk, policy: Policy, progress: Progress) -> None:
    for checkpoint in _each(audit, "checkpoints", Checkpoint.objects.order_by("size"), progress):
        audit.looked_at["checkpoints"] += 1
        _attempt(
            audit,
            "checkpoints",
            str(checkpoint),
            lambda checkpoint=checkpoint: _check_checkpoint(audit, walk, checkpoint, policy),  # type: ignore[misc]
        )


def _check_checkpoint(audit: Audit, walk: _Walk, checkpoint: Checkpoint, policy: Policy) -> None:
    head = open_checkpoint(checkpoint.note, policy.keys_at(checkpoint.size))
    audit.require(
        "checkpoints", head.size == checkpoint.size, f"{checkpoint}: its note speaks of {head.size} entries"
    )
    _check_head(audit, walk, head, str(checkpoint))


def _check_head(audit: Audit, walk: _Walk, head: TreeHead, name: str) -> None:
    if head.size > walk.size:
        audit.found("checkpoints", f"{name} covers {head.size} entries, the ledger holds only {walk.size}")
    else:
        audit.require(
            "checkpoints",
            root(walk.read, head.size) == head.root,
            f"{name} signs another root than the first {head.size} entries have: the ledger was rewritten",
        )


def _reconcile(audit: Audit, walk: _Walk, model: type[Auditable], progress: Progress) -> None:
    # Every foreign key at once: states name what they point at.
    related = [field.name for field in model._meta.concrete_fields if field.many_to_one]
    rows = model._base_manager.select_related(*related).order_by("pk")
    for row in _each(audit, "rows", rows, progress):
        audit.looked_at["rows"] += 1
        _attempt(audit, "rows", _row_name(row), lambda row=row: _check_row(audit, walk, row))  # type: ignore[misc]


def _check_row(audit: Audit, walk: _Walk, row: Auditable) -> None:
    name = _row_name(row)
    newest = walk.newest.pop((row.ledger_type, str(row.pk)), None)
    if newest is None:
        audit.found("rows", f"{name} has no ledger entry")
        return
    audit.require(
        "rows",
        (row.ledger_rev, row.ledger_head_id) == newest,
        f"{name} is at revision {row.ledger_rev}, its newest ledger entry is revision {newest[0]}",
    )
    state = row.ledger_state()
    parts = row.ledger_head.parts
    for visibility in sorted({*parts, *state}):
        audit.require(
            "rows",
            visibility in parts and _same_state(parts[visibility], state.get(visibility, {})),
            f"{name} is not in the state (class {visibility}) that its newest ledger entry recorded",
        )
    for fault in row.ledger_faults():
        audit.found("rows", fault)


def _same_state(part: dict[str, str] | None, state: dict[str, Any]) -> bool:
    """An erased part says nothing any more."""
    return part is None or canonical(loads_canonical(part["payload"].encode())["state"]) == canonical(state)


def _check_vanished(audit: Audit, walk: _Walk) -> None:
    """What `_check_row` did not take out of the walk has entries but no row."""
    for object_type, object_id in sorted(walk.newest):
        audit.found("rows", f"{object_type} {object_id} has ledger entries, but its row is gone")


def _check_guards(audit: Audit) -> None:
    audit.looked_at["guards"] = len(triggers.expected(connection))
    for name in triggers.missing(connection):
        audit.found(
            "guards",
            f"the database guard {name} is absent, disabled or altered; `manage.py migrate` puts it back",
        )


def _policy(audit: Audit) -> Policy:
    try:
        return keys.policy()
    except keys.KeyUnavailable as error:
        if Checkpoint.objects.exists():
            audit.found("checkpoints", f"no checkpoint can be verified: {error}")
        return Policy(())


def _remembered(audit: Audit, policy: Policy) -> TreeHead | None:
    try:
        return signer.last_signed(policy.keys)
    except (signer.Refused, PermissionError) as error:
        audit.found("checkpoints", str(error))
        return None


def _in_leaf_order() -> QuerySet[Entry]:
    return Entry.objects.order_by(F("leaf_index").asc(nulls_last=True), "id")


def _each(audit: Audit, check: str, rows: QuerySet[Any], progress: Progress) -> Iterator[Any]:
    """The rows in order, in chunks; one that cannot even be read is a problem, not the end."""
    name = f"{rows.model._meta.verbose_name_plural}"
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        yield from _readable(audit, check, rows, chunk)
        progress(name, start + len(chunk), len(ids))


def _readable(audit: Audit, check: str, rows: QuerySet[Any], chunk: Sequence[Any]) -> Iterator[Model]:
    try:
        yield from list(rows.filter(pk__in=chunk))
    except Exception:  # noqa: BLE001 - a tampered row; which one, reading one by one tells
        for key in chunk:
            found: list[Model] = []
            name = f"{rows.model._meta.verbose_name} {key}"
            _attempt(audit, check, name, lambda key=key, found=found: found.append(rows.get(pk=key)))  # type: ignore[misc]
            yield from found


def _attempt(audit: Audit, check: str, name: str, look: Callable[[], None]) -> None:
    try:
        look()
    except Exception as error:  # noqa: BLE001 - that reading it fails, however, is the finding
        audit.found(check, f"{name} cannot be read: {error}")


def _named(entry: Entry) -> str:
    place = "not yet sequenced" if entry.leaf_index is None else f"leaf index {entry.leaf_index}"
    return f"entry {entry.pk} ({place})"


def _row_name(row: Auditable) -> str:
    return f"{row._meta.verbose_name} {row.pk}"


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read one state of the database while others write. Inside a transaction, that one's."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        # atomic() would take the write lock; a plain BEGIN only pins what is read.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
