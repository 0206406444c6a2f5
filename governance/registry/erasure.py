"""Erasure of personal data under a legal request: values and salts go, hashes and entries stay, so every proof still holds.

One person asks, a second one confirms. The database's part is one transaction with the erasure's entries. Files and what
databases keep of deleted rows go after it; whatever a crash leaves of that, `finish` takes away when it is run again.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from governance.ledger import auditable
from governance.ledger.actors import Actor
from governance.ledger.append import CLASSES, append
from governance.ledger.canonical import loads_canonical
from governance.ledger.models import Auditable, Entry
from governance.people.models import KeptAnswer
from governance.registry import blobs, lineage, rows, scrub, search
from governance.registry.actions import Refused
from governance.registry.datasets import copies
from governance.registry.events import RegistryEvent
from governance.registry.lookup import NotFound
from governance.registry.models import Blob, Citation, Erasure, Reference, Version

log = logging.getLogger("charter.registry")

ACTION = "registry:erasure:manage"
PERSONAL = ("X",)
LONGEST = {"authority": 200, "reason": 10_000}


@dataclass(frozen=True)
class Copies:
    """Where a version's content stands a second time: blobs by SHA-256, files and folders."""

    blobs: frozenset[str] = frozenset()
    paths: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences about what repeats it and stays."""


Finder = Callable[[Version], Copies]
_finders: list[Finder] = []


def register_copies(find: Finder) -> None:
    """Have what `find` finds erased with a version. It raises Refused while the version may not go.

    Called in AppConfig.ready(). It must answer the same once the version's content is gone.
    """
    if find not in _finders:
        _finders.append(find)


@dataclass(frozen=True)
class Plan:
    """What an erasure would take away, and what it would leave."""

    parts: list[dict[str, Any]]
    """{entry, class, commitment} of each part that goes."""
    blobs: list[str]
    shared: dict[str, str]
    """SHA-256 of files that stay → the version that needs them."""
    paths: list[str]
    stays: list[str]
    """Sentences: what goes on holding the value inside this installation, or may."""
    remains: list[str]
    """Sentences: where it may go on existing beyond our reach."""


@dataclass
class Outcome:
    """What was done about files, and sentences about what must be tried again."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def target_of(object_type: str, object_id: str) -> Auditable:
    """The auditable object of that type and id. Raises NotFound."""
    try:
        return auditable.of_type(object_type)._base_manager.get(pk=object_id)
    except auditable.NotAuditable as error:
        raise NotFound(str(error)) from error
    except (auditable.of_type(object_type).DoesNotExist, ValidationError, ValueError) as error:
        raise NotFound(f"There is no {object_type} {object_id}.") from error


def preview(target: Auditable, classes: Collection[str], *, whole: bool) -> Plan:
    """What erasing these `classes` of `target`, or with `whole` a version and all that it holds, would do. Raises Refused."""
    chosen = _checked(target, classes, whole=whole)
    found = _copies(target) if whole and isinstance(target, Version) else Copies()
    wanted = _files(target) | found.blobs if isinstance(target, Version) and whole else frozenset()
    shared = _used_elsewhere(target, wanted) if isinstance(target, Version) else {}
    going = [sha256 for sha256 in sorted(wanted - shared.keys()) if _holds_bytes(sha256)]
    return Plan(
        parts=list(_parts(target, chosen)),
        blobs=going,
        shared=shared,
        paths=sorted(str(path) for path in (*found.paths, *_cached(going)) if path.exists()),
        stays=[*_held_by_row(target, chosen), *found.notes, *_may_repeat(target, shared, whole=whole)],
        remains=scrub.remains(),
    )


@transaction.atomic
def ask(
    target: Auditable,
    *,
    classes: Collection[str] = PERSONAL,
    whole: bool = False,
    authority: str,
    reason: str,
    actor: Actor,
) -> Erasure:
    """Ask for an erasure, which somebody else confirms: with `whole` of a version as a whole. Raises Refused."""
    chosen = _checked(target, classes, whole=whole)
    for name, text in (("authority", authority), ("reason", reason)):
        if not text.strip():
            raise Refused(f"Say the {name} of the erasure; it is logged. Name no person in it.")
        if len(text) > LONGEST[name]:
            raise Refused(f"The {name} has {len(text):,} characters; at most {LONGEST[name]:,} are kept.")
    version = target if whole and isinstance(target, Version) else None
    place = {"object_type": target.ledger_type, "object_id": str(target.pk)}
    if twin := Erasure.objects.filter(**place, version=version, classes=chosen, state=Erasure.ASKED).first():
        raise Refused(f"{twin.asked_by} asked for this already; somebody else must confirm {twin.pk}.")
    erasure = Erasure(
        **place,
        version=version,
        subject=target.subject if isinstance(target, Version) else f"{target.ledger_type} {target.pk}",
        classes=chosen,
        authority=authority.strip(),
        reason=reason.strip(),
        asked_by=str(actor.handle),
        asked_at=timezone.now(),
    )
    append(erasure, op=RegistryEvent.ERASURE_ASKED, actor=actor)
    return erasure


def obstacle(erasure: Erasure, actor: Actor) -> str | None:
    """Why `actor` may not confirm `erasure`, or None."""
    if erasure.state != Erasure.ASKED:
        return f"The erasure of {erasure.subject} is done."
    if actor.handle is None or not actor.is_person:
        return "An erasure is confirmed in the browser or over the API; commands cannot."
    if actor.handle == erasure.asked_by:
        return f"{actor.handle} asked for this erasure; another administrator must confirm it."
    return None


def confirm(erasure: Erasure, *, actor: Actor) -> Outcome:
    """Carry it out: everything in the database at once, then files and the database's own leftovers.

    Raises Refused, and Stale when somebody else was first. What could not be removed afterwards stands in the outcome;
    `finish` may be run again for it at any time.
    """
    with transaction.atomic():
        _carry_out(erasure, actor)
    return finish([erasure])


def finish(erasures: Sequence[Erasure]) -> Outcome:
    """Remove the files of done erasures and what the database's files keep of them. Doing it again does no harm."""
    outcome = Outcome()
    for erasure in erasures:
        for remove in (_remove_blobs, _remove_paths):
            try:
                outcome.removed += remove(erasure)
            except OSError as error:
                outcome.left.append(f"Files of {erasure.subject} could not be removed: {error}.")
    outcome.left += scrub.database(_tables(erasures))
    return outcome


def unfinished() -> list[tuple[Erasure, str]]:
    """Done erasures with the SHA-256 of a file whose bytes are still in the store."""
    done = Erasure.objects.filter(state=Erasure.DONE)
    return [
        (erasure, sha256)
        for erasure in done
        for sha256 in erasure.blobs
        if blobs.store().exists(blobs.place(sha256))
    ]


def done_to(version: Version) -> Erasure | None:
    """The erasure that took the content of `version` away."""
    return version.erasures.filter(state=Erasure.DONE).first()


def told(version: Version) -> str:
    """That the content was erased, when and on what ground, in a sentence."""
    erasure = done_to(version)
    ground = f" on {erasure.confirmed_at:%F} ({erasure.authority})" if erasure else ""
    return f"The content of {version.subject} was erased{ground}; its digest and its entries stay."


def _carry_out(erasure: Erasure, actor: Actor) -> None:
    target = _locked(erasure)
    if why := obstacle(erasure, actor):
        raise Refused(why)
    whole = erasure.version_id is not None
    _checked(target, erasure.classes, whole=whole)
    erasure.parts = list(_parts(target, erasure.classes))
    entries = _empty_parts(target, erasure.classes)
    if whole and isinstance(target, Version):
        erasure.blobs = _take_blobs(target)
        target.content = None
        summary = {"P": {"authority": erasure.authority, "erasure": str(erasure.pk)}}
        append(target, op=RegistryEvent.ERASED, actor=actor, fields=["content"], summary=summary)
        Reference.objects.filter(version=target).delete()
        Citation.objects.filter(version=target).delete()
    else:
        append(
            target,
            op=RegistryEvent.OBJECT_ERASED,
            actor=actor,
            fields=_blank(target, erasure.classes),
            summary={"P": {"authority": erasure.authority, "erasure": str(erasure.pk)}},
        )
    KeptAnswer.objects.filter(body__contains=erasure.subject).delete()
    KeptAnswer.objects.filter(body__contains=str(target.pk)).delete()
    # What is found of an entry is its public part.
    for row in (target, *(entries if "P" in erasure.classes else ())):
        search.forget(row)
    search.index(target)
    erasure.state, erasure.confirmed_by, erasure.confirmed_at = (
        Erasure.DONE,
        str(actor.handle),
        timezone.now(),
    )
    append(erasure, op=RegistryEvent.ERASURE_DONE, actor=actor, fields=["state", *Erasure.OUTCOME])


def _blank(target: Auditable, classes: Collection[str]) -> list[str]:
    """Put into the row's fields what stands there after an erasure; the caller saves. Returns their names."""
    blanks = {one: value for name in classes for one, value in target.ledger_blanks.get(name, {}).items()}
    for name, value in blanks.items():
        setattr(target, name, value)
    return list(blanks)


def _locked(erasure: Erasure) -> Auditable:
    model = auditable.of_type(erasure.object_type)
    return model._base_manager.select_for_update(of=("self",)).get(pk=erasure.object_id)


def _checked(target: Auditable, classes: Collection[str], *, whole: bool) -> list[str]:
    """The classes in their order. Raises Refused."""
    if unknown := sorted(set(classes) - set(CLASSES)):
        raise Refused(f"There is no class {unknown[0]!r}; there are {', '.join(CLASSES)}.")
    if isinstance(target, Erasure):
        raise Refused("The record of an erasure is not erased: it is what explains what is missing.")
    if whole and not isinstance(target, Version):
        raise Refused(f"Only a version is erased as a whole, not a {target.ledger_type}; name classes.")
    if not whole and not classes:
        raise Refused("Name the classes that should go, such as X.")
    if whole and isinstance(target, Version):
        _check_version(target)
    chosen = [name for name in CLASSES if name in classes]
    if not whole and not any(_parts(target, chosen)):
        raise Refused(
            f"No entry of {target.ledger_type} {target.pk} has a part of class {', '.join(chosen)}."
        )
    return chosen


def _check_version(version: Version) -> None:
    if not version.is_sealed:
        raise Refused(
            f"{version.subject} is a draft: edit the words out of it. Its entries hold nothing but hashes of them."
        )
    if version.content is None:
        raise Refused(told(version))


def _parts(target: Auditable, classes: Collection[str]) -> Iterator[dict[str, Any]]:
    for entry in _entries(target):
        committed = loads_canonical(bytes(entry.body))["payload"]
        for name in classes:
            if entry.parts.get(name):
                yield {"entry": entry.leaf_hash, "class": name, "commitment": committed[name]}


def _entries(target: Auditable) -> Any:
    return Entry.objects.filter(object_type=target.ledger_type, object_id=str(target.pk)).order_by("rev")


def _empty_parts(target: Auditable, classes: Collection[str]) -> list[Entry]:
    """Take salt and payload of `classes` out of every entry of `target`. Returns the entries that lost any."""
    changed = []
    for entry in _entries(target):
        gone = {name: None for name in classes if entry.parts.get(name)}
        if gone:
            entry.parts = {**entry.parts, **gone}
            entry.save(update_fields=["parts"])
            changed.append(entry)
    return changed


def _copies(target: Auditable) -> Copies:
    found = [find(target) for find in _finders] if isinstance(target, Version) else []
    return Copies(
        frozenset().union(*(one.blobs for one in found)),
        tuple(path for one in found for path in one.paths),
        tuple(note for one in found for note in one.notes),
    )


def _files(version: Version) -> frozenset[str]:
    return frozenset(entry["sha256"] for entry in (version.content or {}).get("files", []))


def _used_elsewhere(version: Version, wanted: Collection[str]) -> dict[str, str]:
    """Which of the files other versions with content name too → the first of these versions."""
    found: dict[str, str] = {}
    others = Version.objects.exclude(pk=version.pk).exclude(content__isnull=True).select_related("artifact")
    for other in others.order_by("created_at", "pk").iterator():
        named = other.content.get("files") if isinstance(other.content, dict) else None
        for entry in named if isinstance(named, list) else []:
            sha256 = str(entry.get("sha256")) if isinstance(entry, dict) else ""
            if sha256 in wanted:
                found.setdefault(sha256, other.subject)
    return found


def _take_blobs(version: Version) -> list[str]:
    """Mark the files that go with `version`, in an order that two erasures share. From here on nothing can name them anew."""
    wanted = _files(version) | _copies(version).blobs
    held = Blob.objects.select_for_update().filter(sha256__in=wanted, size__gt=0, erased=False)
    # Locked before it is asked who else uses them: a registration holds the same rows until it is visible.
    locked = list(held.order_by("sha256").values_list("sha256", flat=True))
    shared = _used_elsewhere(version, locked)
    going = [sha256 for sha256 in locked if sha256 not in shared]
    Blob.objects.filter(sha256__in=going).update(erased=True)
    return going


def _holds_bytes(sha256: str) -> bool:
    return Blob.objects.filter(sha256=sha256, size__gt=0, erased=False).exists()


def _cached(digests: Collection[str]) -> list[Path]:
    cache = rows.cache()
    return [path for sha256 in digests for path in copies.derived(cache, sha256)]


def _remove_blobs(erasure: Erasure) -> list[str]:
    there = [sha256 for sha256 in erasure.blobs if blobs.store().exists(blobs.place(sha256))]
    for sha256 in there:
        blobs.store().delete(blobs.place(sha256))
    return there


def _remove_paths(erasure: Erasure) -> list[str]:
    found = _copies(erasure.version).paths if erasure.version else ()
    there = [path for path in (*found, *_cached(erasure.blobs)) if path.exists()]
    for path in there:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return [str(path) for path in there]


def _tables(erasures: Sequence[Erasure]) -> list[str]:
    models: set[Any] = {Entry, Version, Reference, Citation, KeptAnswer}
    models |= {auditable.of_type(erasure.object_type) for erasure in erasures}
    return sorted({"registry_search", *(model._meta.db_table for model in models)})


def _held_by_row(target: Auditable, classes: Collection[str]) -> Iterator[str]:
    """What the row itself goes on holding of the classes, since it cannot do without."""
    for name, state in target.ledger_state().items():
        blank = target.ledger_blanks.get(name, {})
        if name in classes and (
            kept := sorted(key for key, value in state.items() if value and key not in blank)
        ):
            yield f"The row of {target.ledger_type} {target.pk} goes on holding of class {name}: {', '.join(kept)}."


def _may_repeat(target: Auditable, shared: dict[str, str], *, whole: bool) -> Iterator[str]:
    if not whole or not isinstance(target, Version):
        return
    for sha256, subject in sorted(shared.items()):
        yield f"The file {sha256} stays: {subject} holds it too. Erase that version as well."
    yield f"The title of {target.artifact.name} and the handles of its authors stay."
    made = sorted({one.subject for one in lineage.descendants(target)})
    if made:
        yield f"Made from it, and perhaps repeating it: {', '.join(made)}. Look at each, and erase it by itself."
