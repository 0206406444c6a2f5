"""What cites the principles of a document, for one reader: the matrix, the citations of one principle, and those that dangle.

Counted are the newest usable version of each artifact that cites, and of those only what the reader may read.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum

from governance.registry import states
from governance.registry.access import may_read
from governance.registry.citations import matrix
from governance.registry.citations.documents import DOCUMENTS, ids_of, parts_of
from governance.registry.models import Citation, Version

MOST_DANGLING = 200
ORDER = ("area", "version__artifact__kind", "version__artifact__slug", "place", "name", "pk")


@dataclass
class Coverage:
    version: Version
    lines: list[matrix.Line]
    dangling: list[Citation]
    """Citations of an id that the version does not have, the first MOST_DANGLING of them."""
    dangling_count: int
    left_out: int
    """Versions that cite it and are restricted: not counted for this reader."""

    @property
    def flags(self) -> dict[str, int]:
        """Flag → how many principles have it."""
        number = Counter(flag for line in self.lines for flag in line.flags)
        return {flag: number[flag] for flag in matrix.FLAGS}

    def chosen(self, flag: str) -> list[matrix.Line]:
        """Lines with that flag; all of them for none."""
        return [line for line in self.lines if not flag or flag in line.flags]


def why_none(version: Version) -> str:
    """Why a version has no coverage matrix; empty where it has one."""
    if version.kind not in DOCUMENTS:
        return f"{version.subject} has no principles; a constitution or a policy has."
    if not version.is_sealed:
        return f"{version.subject} is a draft; what cites it is listed once it is sealed."
    return f"The content of {version.subject} was erased." if version.content is None else ""


def of_version(version: Version, user: object) -> Coverage:
    """The coverage of a sealed constitution or policy. Takes the same few queries however much cites it."""
    found, left_out = citations(version, user)
    tallied = found.values_list("name", "area", "number").annotate(total=Sum("count"))
    tallies = [matrix.Tally(*row) for row in tallied]
    wordings = _wordings(version, {one.number for one in tallies if one.number})
    lines = matrix.lines(parts_of(version), tallies, wordings, restricted=version.restricted)
    here = frozenset(ids_of(version))
    astray = {
        (name, number)
        for name, _, number, _ in tallies
        if name not in (wordings.get(number, {}) if number else here)
    }
    dangling = _dangling(found, astray) if astray else []
    return Coverage(version, lines, dangling[:MOST_DANGLING], len(dangling), left_out)


def citations(version: Version, user: object) -> tuple[QuerySet[Citation], int]:
    """Citations of the document of `version`, whatever its version, that the reader may see; how many versions are left out."""
    cited = current().filter(document=version.artifact.name)
    restricted = Version.objects.filter(
        restricted=True, pk__in=cited.values("version").order_by()
    ).select_related("artifact")
    hidden = [one.pk for one in restricted.defer("content") if not may_read(user, one)]
    return cited.exclude(version__in=hidden), len(hidden)


def citing(version: Version, user: object, *, name: str = "", area: str = "") -> QuerySet[Citation]:
    """What cites the document, in order of area and artifact: one principle, or in one area, where these are named."""
    found, _ = citations(version, user)
    wanted = {"name": name, "area": area}
    chosen = found.filter(**{field: value for field, value in wanted.items() if value})
    return chosen.select_related("version__artifact").defer("version__content").order_by(*ORDER)


def current() -> QuerySet[Citation]:
    """Citations in the newest version of each artifact that is neither refused nor revoked."""
    newer = Version.objects.filter(
        artifact=OuterRef("version__artifact"),
        number__gt=OuterRef("version__number"),
        state__in=states.USABLE,
    )
    return Citation.objects.filter(version__state__in=states.USABLE).exclude(Exists(newer))


def _wordings(version: Version, numbers: set[int]) -> dict[int, dict[str, Any]]:
    """Of each of these versions of the same artifact the wording of each id; a heading that only groups has one too."""
    others = Version.objects.filter(artifact=version.artifact, number__in=numbers).exclude(digest=None)
    field = DOCUMENTS[version.kind]
    return {
        one.number: {part["id"]: matrix.wording(part) for part in (one.content or {}).get(field, [])}
        for one in others
    }


def _dangling(found: QuerySet[Citation], astray: set[tuple[str, int | None]]) -> list[Citation]:
    named = found.filter(name__in={name for name, _ in astray}).select_related("version__artifact")
    rows = named.defer("version__content").order_by(*ORDER)
    return [row for row in rows if (row.name, row.number) in astray]
