"""Compose a release, and run its gate."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.evidence.collect import collect
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.settle import settle
from governance.registry import blobs
from governance.registry.actions import register
from governance.registry.kinds.release_policy import Content as Policy
from governance.registry.models import Version
from governance.releases import hooks, tiers, waivers_held
from governance.releases.components import resolve_refs
from governance.releases.events import ReleaseEvent
from governance.releases.gates import Report, evaluate
from governance.releases.models import GateReport


@transaction.atomic
def compose(slug: str, content: Mapping[str, Any], *, title: str = "", actor: Actor) -> Version:
    """A sealed release from parts named as `kind:slug[@number]`. The same parts again return the existing version.

    Without a policy it gets the one approved release policy that serves its use tier. Raises ContentError naming each part
    that cannot be resolved or does not serve, Refused.
    """
    resolved = resolve_refs(tiers.with_policy(content))
    tiers.check(resolved)
    return register("release", slug, resolved, title=title, actor=actor, imported=False)


def run_gate(version: Version, *, actor: Actor) -> GateReport:
    """Settle the ledger, collect the release's evidence at that size, judge it by the release's policy, record the report.

    Waivers count that the ledger of that size holds as granted and that have not expired.

    Raises Refused when `version` is no sealed release or its policy cannot be used, NotSettled, and RuntimeError inside a
    transaction (a ledger settles only what is committed).
    """
    policy = tiers.policy_of(version)
    content = policy.parsed()
    assert isinstance(content, Policy)  # noqa: S101
    checkpoint = settle()
    waived = waivers_held.in_force(version, policy, checkpoint.size)
    report = evaluate(collect(version, checkpoint.size), content, waived)
    return _record(version, policy, report, actor=actor)


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
    append(
        row,
        op=ReleaseEvent.GATE_RUN,
        actor=actor,
        summary={"P": {"counts": report.counts, "waived": report.waived}},
    )
    hooks.gate_run(row, report, actor)
    return row
