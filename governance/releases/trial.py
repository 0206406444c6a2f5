"""Try a release policy on the releases that are in force, before it is adopted. Nothing is written: no report, no entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from governance.evidence.collect import collect
from governance.evidence.records import NotThen
from governance.ledger.models import Head
from governance.people.permissions import groups_of
from governance.registry import erasure, states
from governance.registry.access import READERS, may_read
from governance.registry.actions import Refused
from governance.registry.kinds import release_policy
from governance.registry.kinds.release_policy import Content
from governance.registry.models import Version
from governance.releases.cel import PASSED, UNDECIDED
from governance.releases.gates import RuleResult, evaluate
from governance.releases.rules import BLOCK, check_policy
from governance.releases.tiers import tier_of

TRY = "releases:policy:try"


@dataclass(frozen=True)
class Tried:
    """What the policy would say of one release. Without a verdict, `why` says why it cannot be judged."""

    release: Version
    size: int
    verdict: str | None = None
    why: str = ""
    stopping: tuple[RuleResult, ...] = ()
    """Blocking rules that refuse or cannot be decided."""
    warning: tuple[RuleResult, ...] = ()
    """Rules that only warn and do not hold."""

    def record(self) -> dict[str, Any]:
        return {
            "release": self.release.subject,
            "digest": self.release.digest,
            "verdict": self.verdict,
            "why": self.why,
            "rules": [_told(result) for result in (*self.stopping, *self.warning)],
        }


def content_of(version: Version) -> Content:
    """The rules of a release policy, drafts included. Raises Refused for anything else, ContentError for an unfinished one."""
    if version.kind != "release-policy":
        raise Refused(f"{version.subject} is a {version.kind}; name a release policy.")
    if version.content is None:
        raise Refused(erasure.told(version))
    return checked(version.content)


def checked(content: Mapping[str, Any]) -> Content:
    """`content` as a policy whose rules can work. Raises ContentError, Refused naming each rule at fault."""
    if faults := check_policy(content):
        raise Refused(" ".join(faults))
    policy = release_policy.KIND.parse(content)
    assert isinstance(policy, Content)  # noqa: S101
    return policy


def in_force(person: object) -> QuerySet[Version]:
    """The approved releases that this person may read, by name."""
    rows = Version.objects.filter(artifact__kind="release", state=states.APPROVED)
    if not groups_of(person) & READERS:
        hidden = [one.pk for one in rows.filter(restricted=True) if not may_read(person, one)]
        rows = rows.exclude(pk__in=hidden)
    return rows.select_related("artifact").order_by("artifact__slug", "-number")


def judge(release: Version, policy: Content) -> Tried:
    """Judge a release's evidence at the newest size of the ledger. No waiver counts: each was granted under another policy."""
    size = Head.objects.get().size
    if release.content is None:
        return Tried(release, size, why=erasure.told(release))
    if (tier := tier_of(release)) not in policy.served:
        return Tried(
            release,
            size,
            why=f"The policy serves {' and '.join(policy.served)}, the release has the use tier {tier}.",
        )
    try:
        report = evaluate(collect(release, size), policy)
    except NotThen as error:
        return Tried(release, size, why=str(error))
    failed = [result for result in report.rules if result.verdict != PASSED]
    stopping = tuple(result for result in failed if result.rule.severity == BLOCK)
    warning = tuple(result for result in failed if result.rule.severity != BLOCK)
    return Tried(release, size, report.verdict, "", stopping, warning)


def _told(result: RuleResult) -> dict[str, Any]:
    return {
        "id": result.rule.id,
        "title": result.rule.title,
        "severity": result.rule.severity,
        "verdict": result.verdict,
        "reason": result.reason if result.verdict == UNDECIDED else result.rule.message,
    }
