"""What must hold after every kill, told as sentences: none when all is well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db.models import Count, F, Max

from governance.ledger import auditable, cosigning, keys, signer, tiles
from governance.ledger.models import Alarm, Checkpoint, Entry, Head
from governance.ledger.note import TreeHead
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey
from governance.ledger.tiling import consistency
from governance.ledger.tree import verify_consistency
from governance.ledger.witness.memory import Memory
from governance.management.commands.ledger import WITNESS_KEY


@dataclass
class Seen:
    """What an onlooker remembers of the log: every checkpoint it ever saw, and how many entries it has looked at."""

    notes: dict[int, str] = field(default_factory=dict)
    newest: TreeHead | None = None
    last_entry: int = 0


def problems(seen: Seen, witnesses: Iterable[Memory] = ()) -> Iterator[str]:
    """Look at the log as it lies there, settle it, have it witnessed, and look again."""
    witnesses = list(witnesses)
    yield from _nothing_unstored_is_signed(witnesses)
    try:
        checkpoint = settle()
    except signer.Refused as refusal:
        yield f"the signer refuses: {refusal}"
        return
    head = keys.policy_without_quorum().open(checkpoint.note).head
    yield from _entries(head)
    yield from _objects(seen)
    yield from _checkpoints(seen, head)
    if signer.memory_path().read_text() != checkpoint.note:
        yield "the signer remembers another note than the newest published one"
    if cosigning.collect(checkpoint) != len(witnesses):
        yield f"not every witness cosigns {checkpoint}"
    for one in witnesses:
        if one.last(settings.LEDGER_ORIGIN) != head:
            yield f"{one.key.name} does not remember the newest head"
    for alarm in Alarm.objects.all():
        yield f"a false alarm: {alarm}"


def _nothing_unstored_is_signed(witnesses: list[Memory]) -> Iterator[str]:
    """Whatever was signed or cosigned before the kill is a head of the tree as it is stored now."""
    found = [(str(one.key.name), one.last(settings.LEDGER_ORIGIN)) for one in witnesses]
    found.append(("the signer", signer.last_signed(keys.verifiers())))
    for name, head in found:
        if head is not None and signer.root_at(head.size) != head.root:
            yield f"{name} remembers a head at {head.size} that the stored tree does not have"


def _entries(head: TreeHead) -> Iterator[str]:
    stored = Head.objects.get()
    if (stored.size, stored.root) != (head.size, head.root.hex()):
        yield f"the head {stored} is not what is signed ({head.size})"
    counts = Entry.objects.aggregate(all=Count("id"), placed=Count("leaf_index"), top=Max("leaf_index"))
    if counts != {"all": head.size, "placed": head.size, "top": head.size - 1}:
        yield f"{head.size} entries are signed, but the stored ones are {counts}"


def _objects(seen: Seen) -> Iterator[str]:
    """Of every object that was written since the last look: its revisions, and its row."""
    fresh = Entry.objects.filter(id__gt=seen.last_entry)
    touched: dict[str, set[str]] = {}
    for kind, key in fresh.values_list("object_type", "object_id"):
        touched.setdefault(kind, set()).add(key)
    for model in auditable.registered():
        ids = touched.get(model.ledger_type, set())
        entries = Entry.objects.filter(object_type=model.ledger_type, object_id__in=ids)
        told = entries.values_list("object_id").annotate(top=Max("rev"), count=Count("id"))
        rows = model._base_manager.filter(pk__in=ids, ledger_head__rev=F("ledger_rev"))
        revisions = {str(key): rev for key, rev in rows.values_list("pk", "ledger_rev")}
        for key, top, count in told:
            if (top, count) != (revisions.get(key), top):
                yield f"{model.ledger_type} {key}: {count} entries up to revision {top}, its row is at {revisions.get(key)}"
    seen.last_entry = max(seen.last_entry, fresh.aggregate(top=Max("id"))["top"] or 0)


def _checkpoints(seen: Seen, head: TreeHead) -> Iterator[str]:
    known = seen.newest
    if known is not None and 0 < known.size <= head.size:
        proof = consistency(tiles.read, known.size, head.size)
        if not verify_consistency(known.size, head.size, known.root, head.root, proof):
            yield f"a fork: the checkpoint at {head.size} does not extend the one at {known.size}"
    elif known is not None and known.size:
        yield f"the log shrank from {known.size} to {head.size}"
    published = Checkpoint.objects.filter(size__gte=known.size if known else 0)
    for size, note in published.values_list("size", "note"):
        if seen.notes.setdefault(size, note) != note:
            yield f"two notes at {size}"
    seen.newest = head


def forgotten(seen: Seen) -> Iterator[str]:
    """Every checkpoint that was ever seen is still published, and holds under the tree of today."""
    published = dict(Checkpoint.objects.values_list("size", "note"))
    policy = keys.policy_without_quorum()
    for size, note in seen.notes.items():
        if published.get(size) != note:
            yield f"the checkpoint at {size} is not what was seen"
        if signer.root_at(size) != policy.open(note).head.root:
            yield f"the checkpoint at {size} does not hold any more"


def memories(folders: Iterable[Path]) -> list[Memory]:
    """The witnesses' memories, opened to be read."""
    return [Memory(folder, _key(folder), [keys.policy_without_quorum()], lambda: 0) for folder in folders]


def _key(folder: Path) -> SignerKey:
    return SignerKey.parse(keys.private_text(folder / WITNESS_KEY))
