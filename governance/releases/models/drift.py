"""What runtimes say of themselves, and the alarms where that is not what is recorded."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import stamp
from governance.releases.models.serving import Runtime


class RuntimeReport(models.Model):
    """The latest report of a runtime. No entry: what comes in every minute must not make the log grow."""

    runtime = models.OneToOneField(Runtime, on_delete=models.PROTECT, related_name="report")
    identity = models.CharField(max_length=64, help_text="As it was reported, or computed from the parts.")
    parts = models.JSONField(null=True, help_text="Null when only the hash was reported.")
    known = models.BooleanField(help_text="Whether a release with that identity served there then.")
    at = models.DateTimeField(help_text="When it came, by our clock.")
    by = models.CharField(max_length=80)

    def __str__(self) -> str:
        return f"{self.runtime_id}: {self.identity}"


class DriftAlarm(Auditable):
    """That a runtime reported an identity which no release that served there has. A person closes it, with a reason."""

    ledger_type = "releases.drift"

    OPEN, CLOSED = STATES = ("open", "closed")
    RAISED = ("runtime", "reported", "expected", "differing", "at", "by")
    CLOSING = ("closed_at", "closed_by", "reason")

    reported = models.CharField(max_length=64, help_text="Identity that the runtime reported.")
    runtime = models.ForeignKey(Runtime, on_delete=models.PROTECT, related_name="alarms")
    expected = models.JSONField(help_text="[{subject, identity}] of what was recorded to serve there.")
    differing = models.JSONField(
        help_text="Names of the parts that differ from the nearest; null if unknown.", null=True
    )
    state = models.CharField(max_length=6, choices=[(name, name) for name in STATES], default=OPEN)
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=80, blank=True)
    reason = models.TextField(max_length=10_000, blank=True)

    class Meta:
        ordering = ("-at", "id")

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "runtime": self.runtime.slug,
                "reported": self.reported,
                "expected": self.expected,
                "differing": self.differing,
                "state": self.state,
                "at": stamp(self.at),
                "by": self.by,
                "closed_at": stamp(self.closed_at),
                "closed_by": self.closed_by or None,
                "reason": self.reason or None,
            }
        }

    def __str__(self) -> str:
        return f"{self.runtime.slug} reported {self.reported[:12]}"
