"""Which two versions are compared, how it is shown, and the page's context for both ways: by part, and line by line."""

from collections import Counter
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest
from django.urls import reverse

from governance.registry.access import may_read
from governance.registry.models import Version
from governance.views import diff, diff_parts

VERSIONS = 200
"""Versions that the choice offers, the newest; others are reached from the artifact's page."""
PARTS, ROWS = 50, 500
"""Parts and rows on one page."""


def others(request: HttpRequest, version: Version) -> list[Version]:
    """Versions to compare with, newest first. Raises Http404 when there is none that this person may read."""
    found = version.artifact.versions.select_related("artifact").defer("content").exclude(pk=version.pk)
    readable = [one for one in found[:VERSIONS] if may_read(request.user, one)]
    if not readable:
        raise Http404(
            f"{version.subject} is the only version of {version.artifact.name}; there is nothing to compare it with."
        )
    return readable


def chosen(number: str, offered: list[Version], version: Version) -> Version:
    """The version with that number; else the one before, else the newest of the others."""
    named = [one for one in offered if str(one.number) == number]
    older = [one for one in offered if one.number < version.number]
    return (named or older or offered)[0]


def elsewhere(request: HttpRequest, version: Version, offered: list[Version]) -> str | None:
    """The address of the comparison asked for, where its newer side is another version than `version`."""
    to = request.GET.get("to", "")
    target = next((one for one in offered if str(one.number) == to), None)
    if target is None:
        return None
    query = request.GET.copy()
    del query["to"]
    return f"{reverse('version-diff', args=[target.subject])}?{query.urlencode()}"


def compared(request: HttpRequest, old: Any, new: Any) -> dict[str, Any]:
    """The comparison as asked for by `view` (parts or lines), `show` (changes or all) and `layout`."""
    old, new = old or {}, new or {}
    named = diff_parts.lists_of_parts(old, new)
    by_part = bool(named) and request.GET.get("view") != "lines"
    whole = request.GET.get("show") == "all"
    found = _by_part(old, new, named, whole=whole) if by_part else _by_line(old, new, whole=whole)
    page: Page[Any] = Paginator(found.pop("all"), PARTS if by_part else ROWS).get_page(
        request.GET.get("page")
    )
    return {
        **found,
        "page": page,
        "by_part": by_part,
        "has_parts": bool(named),
        "whole": whole,
        "unified": request.GET.get("layout") == "unified",
    }


def _by_line(old: Any, new: Any, *, whole: bool) -> dict[str, Any]:
    found = diff.rows(old, new, whole=whole)
    return {"all": found, "counts": diff.counts(found), "noun": "rows"}


def _by_part(old: Any, new: Any, named: list[str], *, whole: bool) -> dict[str, Any]:
    marker = diff.Marker()
    by_name = {name: diff_parts.parts(old.get(name), new.get(name), marker, whole=whole) for name in named}
    all_parts = [part for parts in by_name.values() for part in parts]
    number = Counter(part.op for part in all_parts)
    fields = diff_parts.fields(old, new, marker, whole=whole)
    other = diff_parts.rest(old, new, marker, whole=whole)
    return {
        "all": [{"group": name.replace("_", " "), "part": part} for name in named for part in by_name[name]],
        "counts": {op: number[op] for op in ("changed", "added", "removed")},
        "moved": sum(part.moved for part in all_parts),
        "fields": fields,
        "changed_fields": sum(not field.same for field in fields),
        "rest": other[:ROWS],
        "rest_more": len(other) > ROWS,
        "rest_counts": diff.counts(other),
        "noun": "parts",
    }
