"""Which release policy decides over a release: the one that it names, if that serves its use tier, or else the approved one."""

from collections.abc import Mapping
from typing import Any, get_args

from governance.registry import erasure, lookup, states
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.kinds.release import Content as Release
from governance.registry.kinds.release_policy import Content, Tier
from governance.registry.models import Version
from governance.releases.components import components

FIELD = "policy"
LOWEST: Tier = get_args(Tier)[0]
MOST_NAMED = 10
"""Policies that a refusal names."""


def with_policy(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` of a release, and where it names no policy the one approved release policy that serves its use tier.

    Raises ContentError when none serves it or several do, with the names of those there are.
    """
    tier = content.get("use_tier", LOWEST)
    if content.get(FIELD) or tier not in get_args(Tier):
        return dict(content)
    approved = _approved()
    serving = [version for version, served in approved if tier in served]
    if len(serving) == 1:
        return {**content, FIELD: serving[0].subject}
    if serving:
        why = f"several approved release policies serve the use tier {tier}: {_names(serving)}; name one"
    elif approved:
        there = ", ".join(
            f"{version.subject} ({', '.join(served)})" for version, served in approved[:MOST_NAMED]
        )
        why = f"no approved release policy serves the use tier {tier}; approved are {there}"
    else:
        why = "there is no approved release policy; name one, or send one to review first"
    raise ContentError("release", [(FIELD, why)])


def check(content: Mapping[str, Any]) -> None:
    """Raise ContentError when the policy that a release pins does not serve its use tier."""
    tier = content.get("use_tier", LOWEST)
    pin = content.get(FIELD)
    if pin and tier in get_args(Tier) and (why := fault(lookup.find(pin["subject"]), tier)):
        raise ContentError("release", [(FIELD, why)])


def fault(policy: Version, tier: str) -> str | None:
    """That `policy` does not serve the use tier, in words without a full stop, or None."""
    served = _served(policy)
    if tier in served:
        return None
    return f"{policy.subject} serves the use tier {' and '.join(served)}, and the release has {tier}"


def policy_of(version: Version) -> Version:
    """The release policy whose rules decide over a sealed release. Raises Refused when nothing can be judged by it."""
    if version.kind != "release":
        raise Refused(
            f"{version.subject} is a {version.kind}; a gate judges releases: compose one with it first."
        )
    if not version.is_sealed:
        raise Refused(f"{version.subject} is a draft; submit it to review first, which seals it.")
    if version.content is None:
        raise Refused(erasure.told(version))
    named = components(version)[FIELD]
    if named.version is None or named.version.kind != "release-policy":
        raise Refused(
            f"{version.subject} names the policy {named.subject}, which is no release policy of this registry with that"
            " digest; compose the release with one that is."
        )
    if named.version.state not in states.USABLE:
        raise Refused(
            f"{named.subject} is {named.version.state}; compose a release that names a policy that stands."
        )
    if named.version.content is None:
        raise Refused(f"{erasure.told(named.version)} Compose a release that names another policy.")
    if why := fault(named.version, tier_of(version)):
        raise Refused(f"{why}; compose a release with a policy that serves it.")
    return named.version


def tier_of(release: Version) -> Tier:
    """The use tier of a sealed release whose content is here."""
    content = release.parsed()
    assert isinstance(content, Release)  # noqa: S101
    return content.use_tier


def _approved() -> list[tuple[Version, tuple[str, ...]]]:
    rows = Version.objects.filter(
        artifact__kind="release-policy", state=states.APPROVED, content__isnull=False
    )
    found = rows.select_related("artifact").order_by("artifact__slug")
    return [(version, _served(version)) for version in found]


def _served(policy: Version) -> tuple[str, ...]:
    content = policy.parsed()
    assert isinstance(content, Content)  # noqa: S101
    return content.served


def _names(versions: list[Version]) -> str:
    more = f" and {len(versions) - MOST_NAMED} more" if len(versions) > MOST_NAMED else ""
    return ", ".join(version.subject for version in versions[:MOST_NAMED]) + more
