"""What a drawing and a list of a neighbourhood both need to know: its versions, links, activities, and what lies outside."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from governance.registry import kinds, neighbourhood
from governance.registry.access import may_read
from governance.registry.kinds.base import ContentError, Kind, Reference
from governance.registry.lineage import ANCESTRY
from governance.registry.models import Activity, Version
from governance.registry.neighbourhood import Link, Neighbourhood

OTHER = "part"
"""Of a role that makes no ancestor, such as a release's system prompt: a part, or a setting."""


@dataclass(frozen=True)
class Scene:
    start: UUID
    part: Neighbourhood
    links: list[Link]
    versions: dict[UUID, Version]
    """In the order of their names, without their content."""
    labels: dict[UUID, str]
    """Activity → what it is called."""
    outside: dict[UUID, list[Reference]]
    """Version → what its content names although no version here has that digest."""


def scene(user: object, part: Neighbourhood, *, between: int = 0) -> Scene:
    """What is needed to show `part`, in five queries: with all links among its versions where those are at most `between`."""
    links = part.links
    if between:
        more = [*dict.fromkeys([*links, *neighbourhood.between(part.steps)])]
        links = more if len(more) <= between else links
    versions = named(part.steps)
    activities = Activity.objects.filter(pk__in={link.activity for link in links if link.activity})
    labels = dict(activities.values_list("pk", "label"))
    return Scene(part.start, part, links, versions, labels, _outside(user, versions))


def named(keys: Iterable[UUID]) -> dict[UUID, Version]:
    found = Version.objects.filter(pk__in=list(keys)).select_related("artifact").defer("content")
    return {one.pk: one for one in found.order_by("artifact__kind", "artifact__slug", "number")}


def ancestry_of(role: str) -> str:
    return ANCESTRY.get(role, OTHER)


def words(role: str) -> str:
    return role.replace("_", " ")


def _outside(user: object, versions: dict[UUID, Version]) -> dict[UUID, list[Reference]]:
    """In two queries; content that this user may not read names nothing to them."""
    naming = {name for name, kind in kinds.KINDS.items() if kind.references is not Kind.references}
    keys = [key for key, one in versions.items() if one.kind in naming and one.digest and may_read(user, one)]
    found = Version.objects.filter(pk__in=keys, content__isnull=False).select_related("artifact")
    names = {version.pk: _references(version) for version in found}
    digests = {reference.digest for references in names.values() for reference in references}
    here = set(Version.objects.filter(digest__in=digests).values_list("digest", flat=True))
    missing = {key: [one for one in names[key] if one.digest not in here] for key in names}
    return {key: references for key, references in missing.items() if references}


def _references(version: Version) -> list[Reference]:
    try:
        return kinds.get(version.kind).references(version.parsed())
    except ContentError:
        return []
