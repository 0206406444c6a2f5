"""Documents that are cited: constitutions by their principles, policies by their rules."""

from collections.abc import Mapping
from typing import Any

from governance.registry.models import Version

DOCUMENTS: dict[str, str] = {"constitution": "principles", "policy": "rules"}
"""Kind → the field that holds what is cited."""


def parts_of(version: Version) -> list[Mapping[str, Any]]:
    """The principles or rules of a sealed version, in order; headings that only group others are none. Empty once erased."""
    content = version.content or {}
    parts = content.get(DOCUMENTS.get(version.kind, ""), [])
    return [part for part in parts if str(part.get("text", "")).strip()]


def ids_of(version: Version) -> list[str]:
    """Ids that may be cited: those of all parts, also of headings."""
    content = version.content or {}
    return [part["id"] for part in content.get(DOCUMENTS.get(version.kind, ""), [])]
