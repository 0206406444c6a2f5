"""Every change of the registry: one function, one transaction, one entry (or refused)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.people.names import unseen
from governance.registry import blobs, hooks, index, kinds, search, states
from governance.registry.events import RegistryEvent
from governance.registry.kinds.base import digest_of, plain
from governance.registry.models import Activity, Artifact, Blob, Version

Used = Sequence[tuple[str, Version]]


class Refused(Exception):
    """An action that the rules do not allow now. The message says why and what to do next."""


def move(
    version: Version,
    after: str,
    *,
    op: RegistryEvent | Any,
    actor: Actor,
    fields: Sequence[str] = (),
    summary: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Compare-and-swap the state of `version` and log it. Raises Refused for a move that does not exist, Stale when beaten."""
    if not states.may_move(version.state, after):
        raise Refused(
            f"{version.subject} is {version.state.replace('_', ' ')} and cannot become {after.replace('_', ' ')}."
        )
    version.state = after
    append(version, op=op, actor=actor, fields=["state", *fields], summary=summary)


def artifact_for(kind: str, slug: str, title: str, *, actor: Actor) -> Artifact:
    """The artifact of that name, locked, made if it does not exist. Raises UnknownKind, Refused."""
    found = kinds.get(kind)
    check_slug(slug)
    rows = Artifact.objects.select_for_update().filter(kind=kind, slug=slug)
    if artifact := rows.first():
        return artifact
    if char := unseen(title):
        raise Refused(
            f"The title holds the invisible character {char}, with which it could pass for another's."
        )
    artifact = Artifact(kind=kind, slug=slug, title=title or f"{found.title} {slug}")
    try:
        with transaction.atomic():
            append(artifact, op=RegistryEvent.ARTIFACT_CREATED, actor=actor)
            search.index(artifact)
    except IntegrityError:
        # Somebody else made it between our look and our insert; from here on their row serialises the numbering.
        return rows.get()
    return artifact


def check_slug(slug: str) -> None:
    if not kinds.base.SLUG_PATTERN.fullmatch(slug):
        raise Refused(
            f"{slug!r} is no name for an artifact: use 1 to 80 lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit."
        )


@transaction.atomic
def save_draft(kind: str, slug: str, content: Mapping[str, Any], *, title: str = "", actor: Actor) -> Version:
    """A new draft of `kind:slug`. Content may be unfinished; it is validated when it is sealed. Raises Refused, UnknownKind."""
    artifact = artifact_for(kind, slug, title, actor=actor)
    _refuse_second_draft(artifact)
    version = _new(artifact, content, state=states.DRAFT, actor=actor)
    append(
        version,
        op=RegistryEvent.DRAFT_CREATED,
        actor=actor,
        summary={"I": {"content": _draft_digest(version)}},
    )
    return version


@transaction.atomic
def draft_after(version: Version, *, op: Any = RegistryEvent.DRAFT_CREATED, actor: Actor) -> Version:
    """The next draft with the content of `version`, whose authors stay its authors: whoever acts has written nothing.

    Raises Refused.
    """
    artifact = artifact_for(version.kind, version.artifact.slug, "", actor=actor)
    _refuse_second_draft(artifact)
    draft = _new(artifact, version.content, state=states.DRAFT, actor=actor)
    draft.based_on, draft.restricted = version, draft.restricted or version.restricted
    draft.created_by, draft.authors = version.created_by, list(version.authors)
    append(draft, op=op, actor=actor, summary={"I": {"content": _draft_digest(draft)}})
    return draft


def _refuse_second_draft(artifact: Artifact) -> None:
    if open_draft := artifact.versions.filter(state=states.DRAFT).first():
        raise Refused(f"{open_draft.subject} is still a draft; edit it, or submit it first.")


@transaction.atomic
def edit_draft(version: Version, content: Mapping[str, Any], *, actor: Actor) -> Version:
    """Replace a draft's content. Raises Refused when it is sealed, Stale when somebody else saved first."""
    if version.is_sealed:
        raise Refused(f"{version.subject} is sealed; make a new draft of {version.artifact.name} instead.")
    version.content = plain(content)
    version.authors = with_author(version, actor)
    append(
        version,
        op=RegistryEvent.DRAFT_EDITED,
        actor=actor,
        fields=["content", "authors"],
        summary={"I": {"content": _draft_digest(version)}},
    )
    return version


def with_author(version: Version, actor: Actor) -> list[str]:
    """The version's authors and whoever acts now."""
    return sorted({*version.authors, actor.handle}) if actor.handle else version.authors


def _draft_digest(version: Version) -> str:
    return digest_of(version.kind, version.schema, version.content)


@transaction.atomic
def seal(
    version: Version, *, actor: Actor, state: str = states.SEALED, op: Any = RegistryEvent.SEALED
) -> Version:
    """Freeze a draft: validate its content, give it its digest. Raises ContentError, Refused (also for content sealed before)."""
    kind = kinds.get(version.kind)
    version.content = plain(kind.parse(version.content))
    version.digest = digest_of(kind.name, kind.schema, version.content)
    version.schema = kind.schema
    _hold_files(version.content)
    if twin := version.artifact.versions.filter(digest=version.digest).first():
        raise Refused(f"{twin.subject} has the same content; change something, or use that version.")
    version.sealed_at = timezone.now()
    version.authors = with_author(version, actor)
    move(version, state, op=op, actor=actor, fields=["content", "digest", "schema", "sealed_at", "authors"])
    index.sealed(version)
    return version


def register(
    kind: str,
    slug: str,
    content: Mapping[str, Any] | kinds.base.KindContent,
    *,
    title: str = "",
    files: Mapping[str, Path] | None = None,
    restricted: bool = False,
    actor: Actor,
    imported: bool = True,
    notes: Sequence[str] = (),
) -> Version:
    """A sealed version of `kind:slug` from finished content; `files` are stored under the paths that the content lists.

    The same content again returns the version that exists. With `imported`, an import activity records that somebody
    brought it in (runs pass False and produce it themselves), with `notes` on how it was read. Raises ContentError, UnknownKind, Refused, OSError.
    """
    found = kinds.get(kind)
    data = plain(found.parse(plain(content)))
    check_slug(slug)
    digest = digest_of(kind, found.schema, data)
    _refuse_erased(kind, slug, digest)
    # Copying may take minutes, so it comes before the transaction: dying in between leaves blobs that nothing names.
    _store(data, files or {})
    with transaction.atomic():
        artifact = artifact_for(kind, slug, title, actor=actor)
        _refuse_erased(kind, slug, digest)
        version = artifact.versions.filter(digest=digest).first() or _sealed(
            artifact, data, digest, restricted, actor=actor
        )
        if imported:
            summary = {"notes": list(notes)} if notes else {}
            activity = start_activity(
                "import", f"Import of {version.subject}", [], summary=summary, actor=actor
            )
            end_activity(
                activity, state=Activity.ENDED, produced=[("imported", version)], summary={}, actor=actor
            )
    return version


def _refuse_erased(kind: str, slug: str, digest: str) -> None:
    """Content that was erased does not come back by itself: some pipeline would register it again the next night."""
    same = Version.objects.filter(
        artifact__kind=kind, artifact__slug=slug, digest=digest, content__isnull=True
    )
    if erased := same.select_related("artifact").first():
        raise Refused(
            f"This content was erased as {erased.subject} under a legal request; it is not registered again."
        )


def _hold_files(data: Mapping[str, Any]) -> None:
    """Keep the files that content lists from being erased until it is visible that it needs them. Raises Refused."""
    listed = {entry["sha256"]: entry["path"] for entry in data.get("files", [])}
    rows = Blob.objects.select_for_update().filter(sha256__in=listed).order_by("sha256")
    if gone := [listed[blob.sha256] for blob in rows if blob.erased]:
        raise Refused(f"The bytes of {gone[0]} were erased under a legal request; they are not taken again.")


def _store(data: dict[str, Any], files: Mapping[str, Path]) -> None:
    """Store the given files; refuse content that lists bytes which are neither given nor in the store, or not so many."""
    entries = data.get("files", [])
    listed = {entry["path"]: entry["sha256"] for entry in entries}
    with transaction.atomic():
        _hold_files(data)
    for name, path in files.items():
        if blobs.put(path).sha256 != listed.get(name):
            raise Refused(
                f"{name} changed while it was being registered; register it again when nothing writes to it."
            )
    held = dict(Blob.objects.filter(sha256__in=listed.values()).values_list("sha256", "size"))
    if missing := sorted(name for name, sha256 in listed.items() if sha256 not in held):
        raise Refused(
            f"The content lists the file {missing[0]}, whose bytes were neither given nor stored before."
        )
    if wrong := [entry for entry in entries if entry["size"] != held[entry["sha256"]]]:
        said, size = wrong[0], held[wrong[0]["sha256"]]
        raise Refused(f"The file {said['path']} has {size} bytes, and the content says {said['size']}.")


def _sealed(
    artifact: Artifact, data: dict[str, Any], digest: str, restricted: bool, *, actor: Actor
) -> Version:
    _hold_files(data)
    version = _new(artifact, data, state=states.SEALED, actor=actor)
    version.digest, version.sealed_at, version.restricted = digest, version.created_at, restricted
    append(version, op=RegistryEvent.REGISTERED, actor=actor)
    index.sealed(version)
    return version


def _new(artifact: Artifact, content: Any, *, state: str, actor: Actor) -> Version:
    newest = artifact.versions.order_by("-number").first()
    return Version(
        artifact=artifact,
        number=newest.number + 1 if newest else 1,
        state=state,
        schema=kinds.get(artifact.kind).schema,
        content=plain(content),
        # What follows a restricted version says much of the same; `register` decides anew.
        restricted=bool(newest and newest.restricted),
        based_on=newest,
        created_by=actor.handle or actor.name,
        authors=[actor.handle] if actor.handle else [],
        created_at=timezone.now(),
    )


@transaction.atomic
def revoke(version: Version, *, reason: str, actor: Actor) -> Version:
    """Withdraw a sealed version: no run or release may use it from now on. Raises Refused."""
    if not reason.strip():
        raise Refused("Say why this version is revoked; the reason is logged.")
    move(version, states.REVOKED, op=RegistryEvent.REVOKED, actor=actor, summary={"P": {"reason": reason}})
    search.index(version.ledger_head)
    return version


@transaction.atomic
def start_activity(
    kind: str, label: str, used: Used, *, summary: Mapping[str, Any], actor: Actor
) -> Activity:
    """Record that something begins, before there is any result of it, with the versions that it uses in their roles."""
    activity = Activity(
        kind=kind,
        label=label,
        started_at=timezone.now(),
        used=edges(used),
        summary=plain(summary),
        by=str(actor),
    )
    append(activity, op=RegistryEvent.ACTIVITY_STARTED, actor=actor)
    index.usages(activity, used)
    search.index(activity)
    hooks.activity_moved(activity, actor)
    return activity


@transaction.atomic
def end_activity(
    activity: Activity, *, state: str, produced: Used = (), summary: Mapping[str, Any], actor: Actor
) -> Activity:
    """Record how it ended, and what it produced. `summary` is added to what the start said. Raises Refused if it has ended."""
    if activity.state != Activity.STARTED:
        raise Refused(f"{activity.label} has already {activity.state}.")
    activity.state, activity.ended_at = state, timezone.now()
    activity.produced = edges(produced)
    activity.summary = {**activity.summary, **plain(summary)}
    append(
        activity,
        op=RegistryEvent.ACTIVITY_ENDED,
        actor=actor,
        fields=["state", "ended_at", "produced", "summary"],
    )
    index.productions(activity, produced)
    hooks.activity_moved(activity, actor)
    return activity


def edges(versions: Iterable[tuple[str, Version]]) -> list[dict[str, str | None]]:
    found = [
        {"role": role, "subject": version.subject, "digest": version.digest} for role, version in versions
    ]
    return sorted(found, key=lambda edge: (str(edge["role"]), str(edge["subject"])))
