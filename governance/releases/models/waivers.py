"""Waivers: that one rule of one policy does not stop one release, for a time, for a reason, by two people."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp


class Waiver(Auditable):
    """Proposed by one person, granted by another. It holds for exactly the release digest, the rule and the policy digest."""

    ledger_type = "releases.waiver"

    PROPOSED, GRANTED, DECLINED, WITHDRAWN = STATES = ("proposed", "granted", "declined", "withdrawn")
    MOVES = {PROPOSED: (GRANTED, DECLINED, WITHDRAWN), GRANTED: (WITHDRAWN,), DECLINED: (), WITHDRAWN: ()}
    PROPOSAL = (
        "version", "digest", "rule", "policy", "policy_digest", "reason", "proposed_by", "proposed_at", "expires_at",
    )  # fmt: skip
    GRANT = ("granted_by", "granted_at", "grant_reason")
    END = ("ended_by", "ended_at", "end_reason")

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="waivers")
    digest = models.CharField(max_length=64, help_text="Digest of the release that it is for.")
    rule = models.CharField(max_length=200, help_text="Id of the rule in the policy.")
    policy = models.CharField(max_length=120, help_text="Release policy, as kind:slug@number.")
    policy_digest = models.CharField(max_length=64)
    reason = models.TextField(max_length=10_000)
    state = models.CharField(max_length=9, choices=[(name, name) for name in STATES], default=PROPOSED)
    proposed_by = models.CharField(max_length=80)
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    granted_by = models.CharField(max_length=80, blank=True)
    granted_at = models.DateTimeField(null=True)
    grant_reason = models.TextField(max_length=10_000, blank=True)
    ended_by = models.CharField(max_length=80, blank=True, help_text="Who declined or withdrew it.")
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(max_length=10_000, blank=True)

    class Meta:
        ordering = ("-proposed_at", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "digest", "policy_digest", "rule"],
                condition=models.Q(state="proposed"),
                name="one_open_waiver_a_rule",
            ),
            models.CheckConstraint(
                condition=~models.Q(granted_by=models.F("proposed_by")), name="waiver_by_two_people"
            ),
        ]

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.version.subject,
                "digest": self.digest,
                "rule": self.rule,
                "policy": {"subject": self.policy, "digest": self.policy_digest},
                "reason": self.reason,
                "state": self.state,
                "proposed_by": self.proposed_by,
                "proposed_at": stamp(self.proposed_at),
                "expires_at": stamp(self.expires_at),
                "granted_by": self.granted_by or None,
                "granted_at": stamp(self.granted_at),
                "grant_reason": self.grant_reason or None,
                "ended_by": self.ended_by or None,
                "ended_at": stamp(self.ended_at),
                "end_reason": self.end_reason or None,
            }
        }

    def __str__(self) -> str:
        return f"waiver of {self.rule} for {self.version.subject}: {self.state}"
