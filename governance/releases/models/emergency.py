"""Break glass: what one person did at a runtime without waiting for a second, who looks at it afterwards."""

from typing import Any

from django.db import models
from django.utils import timezone

from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp
from governance.releases.models.serving import Runtime, ServingPeriod


class Emergency(Auditable):
    ledger_type = "releases.emergency"

    WITHDRAW, ROLLBACK = KINDS = ("withdraw", "rollback")
    OPEN, CONFIRMED, CONTESTED = STATES = ("open", "confirmed", "contested")
    ACT = ("kind", "runtime", "ended", "to", "started", "reason", "by", "at", "due_at")
    REVIEW = ("reviewed_by", "reviewed_at", "note")

    kind = models.CharField(max_length=8, choices=[(name, name) for name in KINDS])
    runtime = models.ForeignKey(Runtime, on_delete=models.PROTECT, related_name="emergencies")
    ended = models.JSONField(help_text="[{period, subject, share}] of what it ended.")
    to = models.ForeignKey(Version, null=True, on_delete=models.PROTECT, related_name="+")
    started = models.ForeignKey(ServingPeriod, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=10_000)
    by = models.CharField(max_length=80)
    at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="By when a second person is to review it.")
    state = models.CharField(max_length=9, choices=[(name, name) for name in STATES], default=OPEN)
    reviewed_by = models.CharField(max_length=80, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    note = models.TextField(max_length=10_000, blank=True)

    class Meta:
        ordering = ("-at", "id")
        verbose_name_plural = "emergencies"

    @property
    def overdue(self) -> bool:
        return self.state == self.OPEN and self.due_at < timezone.now()

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "kind": self.kind,
                "runtime": self.runtime.slug,
                "ended": self.ended,
                "to": {"subject": self.to.subject, "digest": self.to.digest} if self.to else None,
                "started": str(self.started_id) if self.started_id else None,
                "reason": self.reason,
                "by": self.by,
                "at": stamp(self.at),
                "due_at": stamp(self.due_at),
                "state": self.state,
                "reviewed_by": self.reviewed_by or None,
                "reviewed_at": stamp(self.reviewed_at),
                "note": self.note or None,
            }
        }

    def __str__(self) -> str:
        return f"{self.kind} at {self.runtime.slug}"
