"""What the registry itself offers to search: artifacts, sealed versions, and why versions were revoked."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from governance.ledger.canonical import loads_canonical
from governance.ledger.models import Entry
from governance.registry import kinds
from governance.registry.events import RegistryEvent
from governance.registry.models import Artifact, Version
from governance.registry.search.sources import Document, Shown, Source

HASH = re.compile(r"[0-9a-f]{64}")


def artifact(row: Artifact) -> Document:
    return Document(f"{row.title} {row.name} {kinds.get(row.kind).title}", "", row.kind)


def shown_artifact(row: Artifact) -> Shown:
    return Shown(row.name, row.title, reverse("artifact", args=[row.name]), row.kind)


def version(row: Version) -> Document | None:
    """Of a sealed version its names and what of its content anybody may read; of a restricted or erased one its names alone."""
    if not row.is_sealed:
        return None
    content = row.disclosed() or {}
    names = [row.subject, row.artifact.title, kinds.get(row.kind).title, str(row.digest), *row.authors]
    return Document(" ".join(names), "\n".join(texts(content, row.kind)), row.kind)


def shown_version(row: Version) -> Shown:
    return Shown(
        row.subject,
        row.artifact.title,
        reverse("version", args=[row.subject]),
        row.kind,
        row.state,
        row.restricted,
    )


def texts(value: object, kind: str) -> Iterator[str]:
    """Texts in a content, in the order of its kind's fields (PostgreSQL keeps another): no hashes, no numbers, no choices."""
    if isinstance(value, dict):
        places, left_out = fields(kind)
        for name in sorted(value, key=lambda name: (places.get(name, len(places)), name)):
            if name not in left_out:
                yield from texts(value[name], kind)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, kind)
    elif isinstance(value, str) and any(map(str.isalpha, value)) and not HASH.fullmatch(value):
        yield value


@cache
def fields(kind: str) -> tuple[dict[str, int], frozenset[str]]:
    """The places of a kind's fields, and those that hold one of a few fixed words, which tell nobody's text."""
    schema = kinds.get(kind).content.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    named = [pair for part in parts for pair in part.get("properties", {}).items()]
    choices = {
        name for name, field in named if any("enum" in one for one in (field, *field.get("anyOf", [])))
    }
    return {name: place for place, (name, _) in reversed(list(enumerate(named)))}, frozenset(choices)


def revocation(row: Entry) -> Document | None:
    """Why a version was revoked, as the public part of its entry says."""
    told = public(row)
    if not told or told["state"]["restricted"]:
        return None
    state = told["state"]
    return Document(f"revoked {state['subject']} {row.actor}", told["summary"]["reason"], state["kind"])


def shown_revocation(row: Entry) -> Shown:
    state = (public(row) or {"state": {"subject": "", "kind": ""}})["state"]
    address = reverse("version", args=[state["subject"]]) if state["subject"] else reverse("ledger")
    return Shown(str(state["subject"]), f"revoked by {row.actor}", address, str(state["kind"]))


def public(row: Entry) -> dict[str, Any] | None:
    """The payload of the public part; None once it is erased."""
    part = row.parts.get("P")
    return loads_canonical(part["payload"].encode()) if part else None


def _versions() -> QuerySet[Version]:
    return Version.objects.exclude(digest=None).select_related("artifact")


def _revocations() -> QuerySet[Entry]:
    return Entry.objects.filter(op=RegistryEvent.REVOKED)


SOURCES = (
    Source("artifact", "Artifact", "Artifacts", Artifact.objects.all, artifact, shown_artifact),
    Source("version", "Version", "Versions", _versions, version, shown_version),
    Source("revocation", "Revocation", "Revocations", _revocations, revocation, shown_revocation),
)
