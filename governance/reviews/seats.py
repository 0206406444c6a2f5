"""Who must approve a version, who has, and whose approval is still missing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core import checks

from governance.people.models import Account
from governance.people.permissions import table
from governance.registry.models import Artifact, Version
from governance.reviews import matching, requirements
from governance.reviews.models import Impact, Review
from governance.reviews.requirements import Class, Requirements

REVIEW = "reviews:version:review"


@dataclass(frozen=True)
class Standing:
    """The seats of one version: `places` are the groups of each, `filled` says who sits where."""

    impact: Class
    requirements: str
    """SHA-256 of the file that demands them."""
    places: tuple[frozenset[str], ...]
    filled: Mapping[int, str]
    welcome: Mapping[int, frozenset[str]]
    """Open place → groups whose members may fill it."""

    @property
    def is_full(self) -> bool:
        return not self.welcome

    def fits(self, groups: frozenset[str]) -> bool:
        """Whether any seat, open or not, is for one of these groups."""
        return any(place & groups for place in self.places)

    def takes(self, groups: frozenset[str]) -> bool:
        """Whether an approval by a member of these groups counts now.

        Once enough people have approved, which happens when less is demanded than when they did, anybody whom a seat fits decides.
        """
        return self.fits(groups) if self.is_full else any(place & groups for place in self.welcome.values())

    @property
    def open(self) -> list[list[str]]:
        """The groups that may fill each open seat."""
        return [sorted(groups) for groups in self.welcome.values()]

    @property
    def seats(self) -> list[dict[str, Any]]:
        """Each seat: the groups that may fill it, or it was for, and who sits there."""
        return [
            {"groups": sorted(self.welcome.get(place, groups)), "filled_by": self.filled.get(place)}
            for place, groups in enumerate(self.places)
        ]

    def wanted(self) -> str:
        """What is still missing, in a sentence; empty when nothing is."""
        if self.is_full:
            return ""
        open_to = "; ".join(" or ".join(groups) for groups in self.open)
        count = len(self.welcome)
        return f"{count} seat{'s' if count > 1 else ''} of {len(self.places)} open, for {open_to}."


def in_force() -> Requirements:
    """The requirements of this installation. Raises BadRequirements."""
    path = Path(settings.CHARTER_REVIEW_REQUIREMENTS or requirements.DEFAULT)
    return requirements.read(path, table()[REVIEW])


def check(**_: Any) -> list[checks.CheckMessage]:
    """Requirements that cannot be read stop the house before it opens, not at its first review."""
    try:
        in_force()
    except requirements.BadRequirements as error:
        return [checks.Error(f"CHARTER_REVIEW_REQUIREMENTS: {error}", id="reviews.E001")]
    return []


def groups_of(handle: str | None) -> frozenset[str]:
    """Groups of the active account with that handle, as they are now; none without one."""
    held = Account.objects.filter(handle=handle, active=True, user__is_active=True)
    return frozenset(held.values_list("groups", flat=True).first() or [])


def impact_of(artifact: Artifact) -> Class:
    """The impact class of an artifact's versions. Of a release, which has none, its kind's."""
    newest = artifact.impacts.first()
    return cast(Class, newest.impact) if newest else in_force().impact_of(artifact.kind)


def standing(version: Version) -> Standing:
    return standings([version])[version.pk]


def standings(versions: Sequence[Version]) -> dict[Any, Standing]:
    """The seats of many versions by their keys, in two queries however many they are."""
    demanded = in_force()
    given = Impact.objects.filter(artifact__in={one.artifact_id for one in versions})
    impacts = dict(given.order_by("ledger_head__id").values_list("artifact_id", "impact"))
    people: dict[Any, dict[str, frozenset[str]]] = defaultdict(dict)
    approvals = Review.objects.filter(version__in=versions, verdict=Review.APPROVE)
    for key, who, groups in approvals.order_by("ledger_head__id").values_list(
        "version_id", "reviewer", "groups"
    ):
        people[key][who] = frozenset(groups)
    return {
        one.pk: _standing(demanded, one, impacts.get(one.artifact_id), people[one.pk]) for one in versions
    }


def _standing(
    demanded: Requirements, version: Version, given: Any, people: Mapping[str, frozenset[str]]
) -> Standing:
    impact = _tier(version) if version.kind == requirements.RELEASE else given
    impact = impact or demanded.impact_of(version.kind)
    places = demanded.of(version.kind, impact)
    filled = matching.matched(places, people)
    return Standing(impact, demanded.digest, places, filled, matching.welcome(places, people, filled))


def _tier(version: Version) -> Any:
    """What a release says itself. Of an erased one nobody knows, and what an unfinished draft says may be anything: the most."""
    tier = (version.content or {}).get("use_tier", "low" if version.content else "high")
    return tier if tier in requirements.CLASSES else "high"
