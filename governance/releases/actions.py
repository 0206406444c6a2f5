"""Compose a release, and run its gate."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.evidence.collect import collect
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.settle import settle
from governance.registry import blobs, erasure, states
from governance.registry.actions import Refused, register
from governance.registry.kinds.release_policy import Content as Policy
from governance.registry.models import Version
from governance.releases import hooks
from governance.releases.components import components, resolve_refs
from governance.releases.events import ReleaseEvent
from governance.releases.gates import Report, evaluate
from governance.releases.models import GateReport


@transaction.atomic
def compose(slug: str, content: Mapping[str, Any], *, title: str = "", actor: Actor) -> Version:
    """A sealed release from parts named as `kind:slug[@number]`. The same parts again return the existing version.

    Raises ContentError naming each part that cannot be resolved, Refused.
    """
    return register("release", slug, resolve_refs(content), title=title, actor=actor, imported=False)


def run_gate(version: Version, *, actor: Actor) -> GateReport:
    """Settle the ledger, collect the release's evidence at that size, judge it by the release's policy, record the report.

    Raises Refused when `version` is no sealed release or its policy cannot be used, NotSettled, and RuntimeError inside a
    transaction (a ledger settles only what is committed).
    """
    policy = _policy_of(version)
    content = policy.parsed()
    assert isinstance(content, Policy)  # noqa: S101
    checkpoint = settle()
    report = evaluate(collect(version, checkpoint.size), content)
    return _record(version, policy, report, actor=actor)


def _policy_of(version: Version) -> Version:
    if version.kind != "release":
        raise Refused(
            f"{version.subject} is a {version.kind}; a gate judges releases: compose one with it first."
        )
    if not version.is_sealed:
        raise Refused(f"{version.subject} is a draft; submit it to review first, which seals it.")
    if version.content is None:
        raise Refused(erasure.told(version))
    named = components(version)["policy"]
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
    return named.version


@transaction.atomic
def _record(version: Version, policy: Version, report: Report, *, actor: Actor) -> GateReport:
    record = report.record()
    row = GateReport(
        version=version,
        digest=str(version.digest),
        policy=policy.subject,
        policy_digest=str(policy.digest),
        evidence_size=record["evidence"]["size"],
        evidence_root=record["evidence"]["root"],
        evidence_digest=record["evidence"]["digest"],
        verdict=report.verdict,
        report=record,
        report_sha256=blobs.put_bytes(report.canonical()).sha256,
        at=timezone.now(),
        by=str(actor),
    )
    append(row, op=ReleaseEvent.GATE_RUN, actor=actor, summary={"P": {"counts": report.counts}})
    hooks.gate_run(row, report, actor)
    return row
