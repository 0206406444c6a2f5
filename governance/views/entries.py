"""Ledger entries as pages show them: with the name of the object where its public part says one."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from governance.ledger.models import Entry


def shown(entries: Iterable[Entry]) -> list[Entry]:
    """The entries, each with `.subject` (kind:slug@number, or None) and `.label` (any other name that it has, or "")."""
    rows = list(entries)
    for entry in rows:
        entry.subject = subject_of(entry)  # type: ignore[attr-defined]
        entry.label = _label(public(entry).get("state", {}))  # type: ignore[attr-defined]
    return rows


def public(entry: Entry) -> dict[str, Any]:
    """The entry's public part: {"state": …, "summary": …}; empty when there is none or it was erased."""
    part = (entry.parts or {}).get("P")
    return json.loads(part["payload"]) if part else {}


def subject_of(entry: Entry) -> str | None:
    subject = public(entry).get("state", {}).get("subject")
    return subject if isinstance(subject, str) else None


def _label(state: dict[str, Any]) -> str:
    if {"kind", "slug"} <= state.keys():
        return f"{state['kind']}:{state['slug']}"
    named = (state.get(name) for name in ("label", "version", "handle", "name", "title"))
    return next((text for text in named if isinstance(text, str)), "")


def of_objects(kind: str, ids: Sequence[object], limit: int = 50) -> list[Entry]:
    """The newest entries of these objects of one ledger type."""
    found = Entry.objects.filter(object_type=kind, object_id__in=[str(one) for one in ids])
    return shown(found.order_by("-id")[:limit])
