"""Versions that a content names: people write names, the content holds names with digests. One query each way."""

import re
from collections.abc import Iterator
from typing import Any

from governance.registry.kinds.base import SUBJECT
from governance.registry.models import Version


def pinned(content: Any) -> Any:
    """`content` with the digest of every version that was named without one, where this installation knows it."""
    return _replaced(content, lambda ref, digest: {**ref, "digest": ref.get("digest") or digest})


def named(content: Any) -> Any:
    """`content` without the digests that `pinned` would find again."""
    return _replaced(
        content, lambda ref, digest: {**ref, "digest": "" if ref.get("digest") == digest else ref["digest"]}
    )


def _replaced(content: Any, change: Any) -> Any:
    subjects = {ref["subject"] for ref in _refs(content)}
    known = _digests(subjects) if subjects else {}

    def walk(value: Any) -> Any:
        if _is_ref(value):
            return change(value, known.get(value["subject"], ""))
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items()}
        return [walk(item) for item in value] if isinstance(value, list) else value

    return walk(content) if known else content


def _refs(value: Any) -> Iterator[dict[str, str]]:
    if _is_ref(value):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _refs(item)


def _is_ref(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"subject", "digest"}
        and isinstance(value["subject"], str)
        and re.fullmatch(SUBJECT, value["subject"]) is not None
    )


def _digests(subjects: set[str]) -> dict[str, str]:
    """Digest of each sealed version among `subjects` (kind:slug@number)."""
    slugs = {subject.partition(":")[2].rpartition("@")[0] for subject in subjects}
    found = Version.objects.filter(artifact__slug__in=slugs).exclude(digest=None).select_related("artifact")
    return {version.subject: str(version.digest) for version in found if version.subject in subjects}
