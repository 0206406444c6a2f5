"""Where a version comes from, along activities and references. Three ancestries: weight, data, feedback."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from governance.registry.models import Activity, Production, Reference, Usage, Version

Ancestry = Literal["weight", "data", "feedback"]

ANCESTRY: dict[str, Ancestry] = {
    "init_from": "weight",
    "merged_from": "weight",
    "trained_on": "data",
    "derived_from": "data",
    "teacher": "data",
    "component_of": "data",
    "reference_model": "feedback",
    "reward": "feedback",
    "value_model_init": "feedback",
    "judge": "feedback",
    "verifier": "feedback",
    "constitution": "feedback",
    "guideline": "feedback",
}
"""Role → ancestry. A role that is not here (evaluated, evaluated_on, baseline, …) makes no ancestor."""


@dataclass(frozen=True)
class Edge:
    """`version` comes from `parent`, which was used as `role` by `activity` (None: named in the content)."""

    version: Version
    parent: Version
    role: str
    activity: Activity | None


def parents(versions: Iterable[Version]) -> list[Edge]:
    """Direct parents of all `versions`, in three queries however many there are."""
    wanted = {version.id: version for version in versions}
    made: dict[UUID, list[Version]] = defaultdict(list)
    for production in Production.objects.filter(version_id__in=wanted).select_related("activity"):
        made[production.activity_id].append(wanted[production.version_id])
    found = [
        Edge(version, usage.version, usage.role, usage.activity)
        for usage in Usage.objects.filter(activity_id__in=made).select_related(
            "version__artifact", "activity"
        )
        for version in made[usage.activity_id]
        if version.id != usage.version_id
    ]
    named = Reference.objects.filter(version_id__in=wanted).select_related("target__artifact")
    found += [Edge(wanted[one.version_id], one.target, one.role, None) for one in named]
    return sorted(found, key=lambda edge: (edge.version.subject, edge.role, edge.parent.subject))


def edges_above(version: Version, ancestry: Ancestry | None = None, limit: int = 20_000) -> list[Edge]:
    """All edges between `version` and its ancestors, nearest first; only roles of `ancestry` are followed when it is given.

    Weight ancestry follows weight roles alone. Data and feedback ancestry begin at such a role anywhere along the weight
    line and then take everything above it. Queries grow with the depth of the lineage, not with its breadth.
    """
    seen: set[object] = {version.id}
    found: list[Edge] = []
    wave = [version]
    while wave and len(found) < limit:
        edges = [edge for edge in parents(wave) if _follows(edge.role, ancestry)]
        found += edges
        fresh = {edge.parent.id: edge.parent for edge in edges if edge.parent.id not in seen}
        seen |= set(fresh)
        wave = list(fresh.values())
    return found


def _follows(role: str, ancestry: Ancestry | None) -> bool:
    kind = ANCESTRY.get(role)
    return kind is not None and (ancestry is None or kind == "weight" or kind == ancestry)


def ancestors(version: Version, ancestry: Ancestry | None = None) -> list[Version]:
    """Ancestors of `version`; with `ancestry` only those of that kind (R1-Zero is a data ancestor of R1, no weight ancestor)."""
    edges = edges_above(version, ancestry)
    reached: dict[object, set[str]] = {version.id: {"weight"}}
    by_child: dict[object, list[Edge]] = defaultdict(list)
    for edge in edges:
        by_child[edge.version.id].append(edge)
    order: dict[object, Version] = {}
    queue = [version.id]
    while queue:
        current = queue.pop(0)
        for edge in by_child[current]:
            kinds_here = {_combined(above, ANCESTRY[edge.role]) for above in reached[current]}
            before = reached.setdefault(edge.parent.id, set())
            if not kinds_here <= before:
                before |= kinds_here
                order.setdefault(edge.parent.id, edge.parent)
                queue.append(edge.parent.id)
    return [parent for key, parent in order.items() if ancestry is None or ancestry in reached[key]]


def _combined(above: str, role: str) -> str:
    """What an ancestor is, reached by `role` from one that is `above`: weights of a data ancestor are data, and so on."""
    return role if above == "weight" else above


def descendants(version: Version) -> list[Version]:
    """Versions made directly from this one by an activity, or naming it in their content."""
    activities = Usage.objects.filter(version=version).values("activity_id")
    made = Version.objects.filter(productions__activity_id__in=activities)
    named = Version.objects.filter(outgoing__target=version)
    return list(
        (made | named)
        .distinct()
        .select_related("artifact")
        .order_by("artifact__kind", "artifact__slug", "number")[:200]
    )
