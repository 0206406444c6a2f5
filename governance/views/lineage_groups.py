"""A neighbourhood that is too large to draw whole, collapsed: one box for all versions of a kind at a distance."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from governance.registry import kinds
from governance.registry.models import Version
from governance.registry.neighbourhood import Neighbourhood
from governance.views.drawing import text_width
from governance.views.lineage_drawing import NORMAL, SMALL, Shapes, distance, placed
from governance.views.lineage_scene import ancestry_of, named

MEMBERS = 20
"""Members that a group names."""

Key = tuple[int, str]
"""Distance and kind."""


@dataclass(frozen=True)
class Groups:
    groups: list[dict[str, Any]]
    """Outermost ancestors first."""
    lines: dict[tuple[Key, Key, str], int]
    """(from, to, ancestry) → number of links."""


def groups(part: Neighbourhood) -> Groups:
    """Groups of `part` and the links between them, in one query."""
    versions = named(part.steps)
    of: dict[UUID, Key] = {key: (part.steps[key], version.kind) for key, version in versions.items()}
    members: dict[Key, list[Version]] = defaultdict(list)
    for key, version in versions.items():
        members[of[key]].append(version)
    lines = Counter((of[link.parent], of[link.child], ancestry_of(link.role)) for link in part.links)
    return Groups([_group(key, members[key]) for key in sorted(members)], dict(lines))


def _group(key: Key, members: list[Version]) -> dict[str, Any]:
    step, name = key
    kind = kinds.get(name)
    return {
        "key": key,
        "anchor": f"group-{name}-{'before' if step < 0 else 'after'}-{abs(step)}",
        "kind": kind.title if len(members) == 1 else kind.plural,
        "count": len(members),
        "distance": distance(step),
        "members": [
            {"subject": one.subject, "state": one.state, "title": one.artifact.title}
            for one in members[:MEMBERS]
        ],
        "unnamed": max(0, len(members) - MEMBERS),
    }


def drawing(found: Groups) -> Shapes | None:
    nodes = [_box(group) for group in found.groups]
    place = {group["key"]: number for number, group in enumerate(found.groups)}
    lines = [
        {"tail": place[tail], "head": place[head], "label": f"{count} × {ancestry}", "ancestry": ancestry}
        for (tail, head, ancestry), count in sorted(found.lines.items())
    ]
    return placed(nodes, lines)


def _box(group: dict[str, Any]) -> Shapes:
    name = (
        f"{group['count']:,} {group['kind'].lower()}" if group["key"][0] else group["members"][0]["subject"]
    )
    return {
        "form": "group",
        "here": group["key"][0] == 0,
        "width": max(text_width(name, NORMAL), text_width(group["distance"], SMALL)) + 28,
        "height": 46,
        "above": group["distance"],
        "name": name,
        "title": f"{name}, {group['distance']}",
        "href": f"#{group['anchor']}",
    }
