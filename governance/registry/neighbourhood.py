"""What lies around a version in the lineage, as links between keys: read level by level, and never more than a limit."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from django.db.models import F, QuerySet, UUIDField, Value

from governance.registry.lineage import ANCESTRY, Ancestry
from governance.registry.models import Reference, Usage

Direction = Literal["both", "ancestors", "descendants"]
State = tuple[UUID, bool]
"""A version, and whether the path to it has a link of the wanted ancestry."""

LINK_LIMIT = 5_000
"""Links that one query reads at most."""

BESIDE = frozenset({"baseline", "evaluated", "evaluated_on"})
"""Roles of what a version is held against: nothing comes from it."""


@dataclass(frozen=True)
class Link:
    """`child` comes from `parent`, used as `role` by `activity` (None: named in the content): keys of rows."""

    child: UUID
    parent: UUID
    role: str
    activity: UUID | None


@dataclass(frozen=True)
class Neighbourhood:
    """Versions around `start` with their distance (negative for ancestors), and the links that lead to them."""

    start: UUID
    steps: dict[UUID, int]
    links: list[Link]
    beyond: frozenset[UUID]
    """Outermost versions whose own ancestors or descendants lie too far to be in it."""
    cut: bool
    """Whether a limit was met, so that versions are missing."""

    def within(self, depth: int) -> "Neighbourhood":
        """The part of it that lies no further than `depth` from its start."""
        return self._of({key: step for key, step in self.steps.items() if abs(step) <= depth})

    def nearest(self, most: int) -> "Neighbourhood":
        """The part of it that holds no more than `most` versions, the nearest."""
        near = sorted(self.steps, key=lambda key: (abs(self.steps[key]), key))[:most]
        return self._of({key: self.steps[key] for key in near})

    def _of(self, steps: dict[UUID, int]) -> "Neighbourhood":
        links = [link for link in self.links if link.child in steps and link.parent in steps]
        left_out = [link for link in self.links if (link.child in steps) != (link.parent in steps)]
        edge = {end for link in left_out for end in (link.child, link.parent) if end in steps}
        return Neighbourhood(self.start, steps, links, (self.beyond | edge) & steps.keys(), self.cut)


def around(
    start: UUID, *, direction: Direction, ancestry: Ancestry | None, depth: int, limit: int = LINK_LIMIT
) -> Neighbourhood:
    """What lies within `depth` links of `start`, in at most depth + 1 queries a direction, whatever its size.

    With `ancestry` only paths that `lineage.ancestors` would call so: of weight links and links of that kind, at least
    one of that kind among them. At most about `limit` versions a direction.
    """
    walks = [_Walk(upwards=True, ancestry=ancestry, limit=limit)] if direction != "descendants" else []
    walks += [_Walk(upwards=False, ancestry=ancestry, limit=limit)] if direction != "ancestors" else []
    steps = {start: 0}
    for walk in walks:
        walk.go(start, depth)
        for key, distance in walk.reached().items():
            steps.setdefault(key, -distance if walk.upwards else distance)
    links = dict.fromkeys(link for walk in walks for link in walk.links())
    beyond = frozenset(key for walk in walks for key in walk.beyond if key in steps)
    return Neighbourhood(start, steps, list(links), beyond, any(walk.cut for walk in walks))


def between(keys: Iterable[UUID]) -> list[Link]:
    """All links that begin and end among these versions, in one query."""
    ids = list(keys)
    return _read({"child__in": ids, "parent__in": ids})


def _read(where: dict[str, list[UUID]]) -> list[Link]:
    """At most LINK_LIMIT links, in an order that is the same each time."""
    used = _links(
        Usage.objects.annotate(child=F("activity__productions__version_id"), parent=F("version_id"))
    )
    named = _links(Reference.objects.annotate(child=F("version_id"), parent=F("target_id")), by_content=True)
    rows = used.filter(child__isnull=False, **where).union(named.filter(**where), all=True)
    return [Link(*row) for row in rows.order_by("child", "parent", "role", "by")[:LINK_LIMIT]]


def _links(rows: QuerySet[Any, Any], *, by_content: bool = False) -> QuerySet[Any, Any]:
    by = Value(None, output_field=UUIDField()) if by_content else F("activity_id")
    found: QuerySet[Any, Any] = rows.exclude(role__in=BESIDE).annotate(by=by)
    return found.values_list("child", "parent", "role", "by")


@dataclass
class _Walk:
    """One direction, breadth first. A version may be reached with and without a link of the wanted ancestry."""

    upwards: bool
    ancestry: Ancestry | None
    limit: int
    known: dict[UUID, list[Link]] = field(default_factory=dict)
    distance: dict[State, int] = field(default_factory=dict)
    moves: list[tuple[State, State, Link]] = field(default_factory=list)
    beyond: set[UUID] = field(default_factory=set)
    cut: bool = False

    def go(self, start: UUID, depth: int) -> None:
        wave = [(start, self.ancestry in {None, "weight"})]
        self.distance = dict.fromkeys(wave, 0)
        for level in range(1, depth + 2):
            self._learn(key for key, _ in wave)
            if level > depth or len(self.distance) > self.limit:
                self.beyond = {key for key, _ in wave if self.known[key]}
                self.cut |= level <= depth and bool(self.beyond)
                return
            wave = self._step(wave, level)

    def _learn(self, keys: Iterable[UUID]) -> None:
        """Read the links of versions that were not looked at before."""
        fresh = [key for key in dict.fromkeys(keys) if key not in self.known]
        if not fresh:
            return
        self.known |= {key: [] for key in fresh}
        found = _read({"child__in" if self.upwards else "parent__in": fresh})
        self.cut |= len(found) >= LINK_LIMIT
        for link in found:
            if self._follows(link.role):
                self.known[link.child if self.upwards else link.parent].append(link)

    def _follows(self, role: str) -> bool:
        return self.ancestry is None or ANCESTRY.get(role) in {"weight", self.ancestry}

    def _step(self, wave: list[State], level: int) -> list[State]:
        fresh: dict[State, None] = {}
        for here in wave:
            for link in self.known[here[0]]:
                there = (
                    link.parent if self.upwards else link.child,
                    here[1] or ANCESTRY.get(link.role) == self.ancestry,
                )
                self.moves.append((here, there, link))
                if there not in self.distance:
                    self.distance[there] = level
                    fresh[there] = None
        return list(fresh)

    def _wanted(self) -> set[State]:
        """States with the wanted ancestry, and those on the way to one."""
        before: dict[State, list[State]] = defaultdict(list)
        for here, there, _ in self.moves:
            before[there].append(here)
        wanted = {state for state in self.distance if state[1]}
        queue = list(wanted)
        while queue:
            for state in before[queue.pop()]:
                if state not in wanted:
                    wanted.add(state)
                    queue.append(state)
        return wanted

    def links(self) -> list[Link]:
        wanted = self._wanted()
        return [link for _, there, link in self.moves if there in wanted]

    def reached(self) -> dict[UUID, int]:
        """Version → its shortest distance."""
        shortest: dict[UUID, int] = {}
        for key, seen in sorted(self._wanted(), key=self.distance.__getitem__):
            shortest.setdefault(key, self.distance[key, seen])
        return shortest
