"""Which release or model a hash, parts or a folder's files are, or how they differ from the nearest. Bounded, and says how far it looked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from governance.registry import states
from governance.registry.access import may_read
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.releases.components import components_of, identity_from
from governance.releases.identity import MODEL, behavioural_identity
from governance.releases.manifest import Difference, Files, difference, of_model_alone
from governance.releases.models import ServingPeriod

LIMIT = 200
"""Versions that are compared, the newest first."""
PUBLIC = (states.APPROVED, states.SUPERSEDED)
"""States of what a stranger is told of."""


@dataclass(frozen=True)
class Answer:
    """`match` are the versions that it is; `nearest` the one that differs least, where none is it."""

    of: str
    match: tuple[tuple[Version, str | None], ...]
    """(version, its behavioural identity; None for a model)"""
    nearest: Version | None
    difference: Difference | None
    compared: int
    values: bool
    """Whether recorded values may be told beside their names."""

    def record(self) -> dict[str, Any]:
        near = self.difference
        return {
            "of": self.of,
            "match": [{**_named(version), "identity": identity} for version, identity in self.match],
            "nearest": {**_named(self.nearest), **near.record(values=self.values)}
            if self.nearest and near
            else None,
            "compared": self.compared,
            "limit": LIMIT,
        }


def by_hash(identity: str, person: object) -> Answer:
    """Releases with that identity: whatever ever served, then the newest. A hash alone has no nearest."""
    served = Version.objects.filter(
        pk__in=ServingPeriod.objects.filter(identity=identity).values("version")[:LIMIT]
    ).select_related("artifact")
    found = _releases(person)
    known = {version.pk: (version, parts) for version, parts in [*_with_parts(served, person), *found]}
    match = [
        (version, identity) for version, parts in known.values() if behavioural_identity(parts) == identity
    ]
    return Answer("release", tuple(match), None, None, len(known), values=False)


def by_parts(parts: Mapping[str, Any], person: object) -> Answer:
    """Releases with those parts; models, where only parts of a model are given."""
    if of_model_alone(parts):
        models = _visible(_newest("model"), person)
        found = [(one, {name: (one.content or {}).get(name) for name in parts}) for one in models]
        return _answer("model", parts, found, person, lambda _: None)
    return _answer("release", parts, _releases(person), person, behavioural_identity)


def by_files(files: Files, person: object) -> Answer:
    """Models whose folder holds exactly these files."""
    models = _visible(_newest("model"), person)
    found = [(one, listed) for one in models if (listed := _files(one.content or {}))]
    return _answer("model", files, found, person, lambda _: None)


def tensors_of(described: Mapping[str, Any]) -> dict[str, Any]:
    """Of what was read off a folder, the parts that re-sharding does not change."""
    return {name: described[name] for name in MODEL if described.get(name)}


def _answer(
    of: str,
    given: Mapping[str, Any],
    candidates: Iterable[tuple[Version, Mapping[str, Any]]],
    person: object,
    identity: Callable[[Mapping[str, Any]], str | None],
) -> Answer:
    compared = [(version, recorded, difference(given, recorded)) for version, recorded in candidates]
    match = [(version, identity(recorded)) for version, recorded, found in compared if found.none]
    near = [(version, found) for version, _, found in compared if found.same]
    nearest, least = min(near, key=lambda one: (-one[1].same, one[1].size), default=(None, None))
    if match:
        nearest, least = None, None
    stranger = isinstance(person, AnonymousUser)
    return Answer(of, tuple(match), nearest, least, len(compared), values=not stranger)


def _releases(person: object) -> list[tuple[Version, dict[str, Any]]]:
    return _with_parts(_newest("release"), person)


def _with_parts(rows: QuerySet[Version], person: object) -> list[tuple[Version, dict[str, Any]]]:
    """Releases that this person may see with every part of theirs, each with the parts of its identity."""
    versions = _visible(rows, person)
    named = components_of(versions)
    found = []
    for version in versions:
        parts = named[version.pk]
        if not all(one.version and may_read(person, one.version) for one in parts.values()):
            continue
        try:
            found.append((version, identity_from(version, parts)))
        except Refused:
            continue
    return found


def _visible(rows: QuerySet[Version], person: object) -> list[Version]:
    """Those of `rows` whose content is held and that this person may read; of strangers only what is or was approved."""
    stranger = isinstance(person, AnonymousUser)
    return [
        one
        for one in rows
        if one.content is not None and may_read(person, one) and (not stranger or one.state in PUBLIC)
    ]


def _newest(kind: str) -> QuerySet[Version]:
    sealed = Version.objects.filter(artifact__kind=kind).exclude(state=states.DRAFT)
    return sealed.select_related("artifact").order_by("-sealed_at", "-id")[:LIMIT]


def _files(content: Mapping[str, Any]) -> dict[str, str]:
    return {one["path"]: one["sha256"] for one in content.get("files") or content.get("manifest") or ()}


def _named(version: Version | None) -> dict[str, Any]:
    assert version is not None  # noqa: S101
    return {"subject": version.subject, "digest": version.digest, "state": version.state}
