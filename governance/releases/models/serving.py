"""Where releases run, and from when to when each of them answered there."""

from typing import Any

from django.db import models

from governance.ledger.decimals import decimal_text
from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp


class Runtime(Auditable):
    """A place where releases answer. How they are served there is a deployment configuration, which is another thing."""

    ledger_type = "releases.runtime"

    ACTIVE, RETIRED = STATES = ("active", "retired")
    KINDS = ("api", "app", "batch", "customer", "device", "internal", "test")
    FROZEN = ("slug", "title", "kind", "audience", "report_every", "created_at", "created_by")

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=[(name, name) for name in KINDS])
    audience = models.CharField(max_length=200, help_text="Who is served there.")
    report_every = models.PositiveIntegerField(
        null=True, help_text="Seconds within which it promises to report its identity; null: it does not."
    )
    state = models.CharField(max_length=7, choices=[(name, name) for name in STATES], default=ACTIVE)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        ordering = ("slug",)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "slug": self.slug,
                "title": self.title,
                "kind": self.kind,
                "audience": self.audience,
                "report_every": self.report_every,
                "state": self.state,
                "created_at": stamp(self.created_at),
                "created_by": self.created_by,
            }
        }

    def __str__(self) -> str:
        return self.slug


class ServingPeriod(Auditable):
    """That a release answered a share of the requests at a runtime, from one entry of the ledger to another."""

    ledger_type = "releases.period"

    OPEN, ENDED = STATES = ("open", "ended")
    STARTED = (
        "runtime",
        "version",
        "digest",
        "identity",
        "share",
        "audience",
        "started_at",
        "started_by",
        "reason",
    )
    ENDING = ("ended_at", "ended_by", "end_reason")

    digest = models.CharField(max_length=64, help_text="Digest of the release.")
    runtime = models.ForeignKey(Runtime, on_delete=models.PROTECT, related_name="periods")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="periods")
    identity = models.CharField(max_length=64, db_index=True, help_text="Behavioural identity at its start.")
    share = models.DecimalField(max_digits=7, decimal_places=6, help_text="Of the requests, in (0, 1].")
    audience = models.CharField(max_length=200)
    state = models.CharField(max_length=5, choices=[(name, name) for name in STATES], default=OPEN)
    started_at = models.DateTimeField(help_text="In whole seconds, never later than its entry.")
    started_by = models.CharField(max_length=80)
    reason = models.TextField(max_length=10_000)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end_reason = models.TextField(max_length=10_000, blank=True)

    class Meta:
        ordering = ("-started_at", "id")
        indexes = (models.Index(fields=("runtime", "state"), name="period_runtime_state"),)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "runtime": self.runtime.slug,
                "subject": self.version.subject,
                "digest": self.digest,
                "identity": self.identity,
                "share": decimal_text(self.share),
                "audience": self.audience,
                "state": self.state,
                "started_at": stamp(self.started_at),
                "started_by": self.started_by,
                "reason": self.reason,
                "ended_at": stamp(self.ended_at),
                "ended_by": self.ended_by or None,
                "end_reason": self.end_reason or None,
            }
        }

    def __str__(self) -> str:
        return f"{self.version.subject} at {self.runtime.slug}"
