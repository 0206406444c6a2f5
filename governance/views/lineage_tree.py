"""A neighbourhood as a nested list: what the drawing shows, for a keyboard, a screen reader and paper."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from governance.registry.neighbourhood import Link
from governance.views.lineage_scene import Scene, ancestry_of, words

MOST_LISTED = 600
"""Lines of a list; a version that is met again is named without what lies beyond it."""

Node = dict[str, Any]


def tree(seen: Scene, *, upwards: bool) -> list[Node]:
    """Ancestors, or descendants, as nodes for parts/lineage.html, nearest outermost."""
    beyond: dict[UUID, list[Link]] = defaultdict(list)
    order = {key: number for number, key in enumerate(seen.versions)}
    for link in sorted(seen.links, key=lambda link: (link.role, order[_far(link, upwards)])):
        beyond[link.child if upwards else link.parent].append(link)
    return _Listing(seen, beyond, upwards).of(seen.start)


def _far(link: Link, upwards: bool) -> UUID:
    return link.parent if upwards else link.child


class _Listing:
    def __init__(self, seen: Scene, beyond: dict[UUID, list[Link]], upwards: bool) -> None:
        self.seen, self.beyond, self.upwards = seen, beyond, upwards
        self.met = {seen.start}
        self.left = MOST_LISTED

    def of(self, key: UUID) -> list[Node]:
        nodes = [self._node(link) for link in self.beyond.get(key, []) if self._takes_one()]
        outside = self.seen.outside.get(key, []) if self.upwards else []
        return nodes + [
            {"role": words(one.role), "ancestry": ancestry_of(one.role), "missing": one.subject}
            for one in outside
        ]

    def _takes_one(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def _node(self, link: Link) -> Node:
        key = _far(link, self.upwards)
        version = self.seen.versions[key]
        repeated = key in self.met
        self.met.add(key)
        return {
            "subject": version.subject,
            "title": version.artifact.title,
            "state": version.state,
            "role": words(link.role),
            "ancestry": ancestry_of(link.role),
            "activity": self.seen.labels.get(link.activity) if link.activity else None,
            "repeated": repeated and key in self.beyond,
            "more": not repeated and key in self.seen.part.beyond,
            "children": [] if repeated else self.of(key),
        }
