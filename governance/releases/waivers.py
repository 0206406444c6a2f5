"""Waive a rule of the gate: proposed by one person, granted or declined by another, withdrawn by any of them."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry import states
from governance.registry.actions import Refused
from governance.registry.kinds.release_policy import Content, Rule
from governance.registry.models import Artifact, Version, stamp
from governance.releases.events import ReleaseEvent
from governance.releases.models import Waiver
from governance.releases.rules import BLOCK
from governance.releases.tiers import policy_of
from governance.releases.waivers_held import open_for, waivable

PROPOSE, GRANT, WITHDRAW = (f"releases:waiver:{verb}" for verb in ("propose", "grant", "withdraw"))
MAX_REASON = 10_000


@transaction.atomic
def propose(version: Version, rule: str, *, reason: str, expires_at: datetime, actor: Actor) -> Waiver:
    """Propose that `rule` shall not stop exactly this release under exactly its present policy until `expires_at`.

    Raises Refused: the rule did not stop the newest gate report, may not be waived or is waived already, no reason, an end
    that has passed or lies more than CHARTER_WAIVER_DAYS ahead.
    """
    release = _alone(version)
    policy = policy_of(release)
    if why := _why_not_proposed(release, policy, rule, actor) or _why_not_said(reason):
        raise Refused(why)
    now, end = timezone.now(), expires_at.replace(microsecond=0)
    if not now < end <= now + timedelta(days=settings.CHARTER_WAIVER_DAYS):
        raise Refused(
            f"A waiver ends in the future and within {settings.CHARTER_WAIVER_DAYS} days, not at {stamp(end)}."
        )
    waiver = Waiver(
        version=release,
        digest=str(release.digest),
        rule=rule,
        policy=policy.subject,
        policy_digest=str(policy.digest),
        reason=reason.strip(),
        proposed_by=str(actor.handle),
        proposed_at=now,
        expires_at=end,
    )
    append(waiver, op=ReleaseEvent.WAIVER_PROPOSED, actor=actor)
    return waiver


@transaction.atomic
def grant(waiver: Waiver, *, reason: str, actor: Actor) -> Waiver:
    """Grant a proposal: the gate counts it from its next run on. Raises Refused with what stands in the way, Stale."""
    _alone(waiver.version)
    if why := obstacle(waiver, actor) or _why_not_said(reason):
        raise Refused(why)
    waiver.state, waiver.grant_reason = Waiver.GRANTED, reason.strip()
    waiver.granted_by, waiver.granted_at = str(actor.handle), timezone.now()
    append(waiver, op=ReleaseEvent.WAIVER_GRANTED, actor=actor, fields=["state", *Waiver.GRANT])
    return waiver


@transaction.atomic
def decline(waiver: Waiver, *, reason: str, actor: Actor) -> Waiver:
    """Decline a proposal. Raises Refused with what stands in the way, Stale."""
    if why := _why_nobody(actor) or _why_not_open(waiver):
        raise Refused(why)
    return _end(waiver, Waiver.DECLINED, ReleaseEvent.WAIVER_DECLINED, reason, actor)


@transaction.atomic
def withdraw(waiver: Waiver, *, reason: str, actor: Actor) -> Waiver:
    """Take back a proposal or a granted waiver: the rule stops the release again. Raises Refused, Stale."""
    if waiver.state not in (Waiver.PROPOSED, Waiver.GRANTED):
        raise Refused(f"The waiver of {waiver.rule} is {waiver.state} already.")
    return _end(waiver, Waiver.WITHDRAWN, ReleaseEvent.WAIVER_WITHDRAWN, reason, actor)


def _end(waiver: Waiver, state: str, op: ReleaseEvent, reason: str, actor: Actor) -> Waiver:
    if why := _why_not_said(reason):
        raise Refused(why)
    waiver.state, waiver.end_reason = state, reason.strip()
    waiver.ended_by, waiver.ended_at = str(actor.handle or actor), timezone.now()
    append(waiver, op=op, actor=actor, fields=["state", *Waiver.END])
    return waiver


def obstacle(waiver: Waiver, actor: Actor) -> str | None:
    """Why `actor` may not grant this waiver now, or None."""
    if why := _why_nobody(actor) or _why_not_open(waiver):
        return why
    if actor.handle == waiver.proposed_by:
        return f"{actor.handle} proposed this waiver; somebody else must decide about it."
    if actor.handle in waiver.version.authors:
        return f"{actor.handle} wrote or submitted {waiver.version.subject}; somebody else must decide about its waivers."
    if waiver.expires_at <= timezone.now():
        return (
            f"The waiver of {waiver.rule} would have expired at {stamp(waiver.expires_at)}; propose another."
        )
    if waiver.version.state not in states.USABLE:
        return f"{waiver.version.subject} is {waiver.version.state}; there is nothing left to waive for it."
    return None


def _alone(version: Version) -> Version:
    """The release as it is stored now, while nobody else decides about waivers of its artifact."""
    Artifact.objects.select_for_update().get(pk=version.artifact_id)
    return Version.objects.select_related("artifact").get(pk=version.pk)


def _why_not_proposed(version: Version, policy: Version, rule: str, actor: Actor) -> str | None:
    if actor.handle is None:
        return "A waiver is proposed by somebody, who is named in it."
    if version.state not in states.USABLE:
        return f"{version.subject} is {version.state}; there is nothing left to waive for it."
    found = _rule(policy, rule)
    if found is None:
        return f"{policy.subject} has no rule {rule!r}."
    if found.severity != BLOCK:
        return f"The rule {rule} only warns, so there is nothing to waive."
    if not found.waivable:
        return f"{policy.subject} says that the rule {rule} may not be waived."
    report = version.gate_reports.first()
    judged = report is not None and (report.digest, report.policy_digest) == (version.digest, policy.digest)
    rules = report.report["rules"] if report is not None and judged else []
    if rule not in waivable(rules, ()):
        return f"The newest gate report of {version.subject} is not stopped by the rule {rule}; run the gate first."
    if twin := open_for(version, str(policy.digest)).filter(rule=rule).first():
        return f"A waiver of {rule} is {twin.state} already, until {stamp(twin.expires_at)}."
    return None


def _rule(policy: Version, rule: str) -> Rule | None:
    content = policy.parsed()
    assert isinstance(content, Content)  # noqa: S101
    return next((one for one in content.rules if one.id == rule), None)


def _why_not_said(reason: str) -> str | None:
    if not reason.strip():
        return "Give a reason; it is logged, and it stands in the gate report and on the card."
    if len(reason) > MAX_REASON:
        return f"The reason has {len(reason):,} characters; at most {MAX_REASON:,} are kept, so shorten it."
    return None


def _why_nobody(actor: Actor) -> str | None:
    if actor.handle is None or not actor.is_person:
        return "A decision about a waiver needs a signed-in person; commands cannot take it."
    return None


def _why_not_open(waiver: Waiver) -> str | None:
    return (
        None if waiver.state == Waiver.PROPOSED else f"The waiver of {waiver.rule} is {waiver.state} already."
    )
