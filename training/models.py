"""Runs, and what their jobs tell while they run. Only `Run` is ledgered; the rest is digested when the run ends."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Activity, Version, stamp
from training import states
from training.spec import RunSpec


class Run(Auditable):
    """One stage with pinned inputs, from the queue to its end. Triggers freeze what was asked for."""

    ledger_type = "training.run"
    ledger_blanks = {"I": {"label": "erased", "reason": ""}}

    label = models.CharField(max_length=200)
    stage = models.CharField(max_length=40)
    spec = models.JSONField(help_text="The frozen RunSpec, in canonical form.")
    spec_digest = models.CharField(max_length=64)
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in states.STATES], default=states.QUEUED
    )
    reason = models.TextField(blank=True, help_text="Why it ended as it did, for people.")
    failure_class = models.CharField(max_length=40, blank=True)
    activity = models.ForeignKey(Activity, null=True, on_delete=models.PROTECT, related_name="runs")
    recipe = models.ForeignKey(Version, null=True, on_delete=models.PROTECT, related_name="recipe_runs")
    stage_name = models.CharField(max_length=80, blank=True, help_text="Name of the recipe's stage.")
    after = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="next_runs")
    retry_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="retries")
    requested_by = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "id")
        indexes = [models.Index(fields=["state", "created_at"], name="run_state")]

    @property
    def parsed(self) -> RunSpec:
        return RunSpec.model_validate(self.spec)

    @property
    def has_ended(self) -> bool:
        return self.state in states.ENDED

    @property
    def progress(self) -> dict[str, Any] | None:
        """The newest {"done", "total", "unit"} that the job told, or None."""
        event = self.events.filter(name="progress").order_by("-seq").first()
        return event.data if event else None

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "stage": self.stage,
                "spec_digest": self.spec_digest,
                "state": self.state,
                "failure_class": self.failure_class or None,
                "activity": str(self.activity_id) if self.activity_id else None,
                "recipe": self.recipe.subject if self.recipe else None,
                "stage_name": self.stage_name or None,
                "after": str(self.after_id) if self.after_id else None,
                "retry_of": str(self.retry_of_id) if self.retry_of_id else None,
                "requested_by": self.requested_by,
                "created_at": stamp(self.created_at),
                "started_at": stamp(self.started_at),
                "ended_at": stamp(self.ended_at),
            },
            "I": {"label": self.label, "reason": self.reason},
        }

    def ledger_faults(self) -> list[str]:
        found = self.parsed.digest
        return (
            []
            if found == self.spec_digest
            else [f"run {self.id}: its spec has the digest {found}, not {self.spec_digest}"]
        )

    def __str__(self) -> str:
        return self.label


class Lease(models.Model):
    """Who works on a run, and where its job is. A lease whose heartbeat stops may be taken over."""

    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="lease")
    worker = models.CharField(max_length=200, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(help_text="When a message about the run was last sent.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often the job was launched.")
    handle = models.JSONField(default=dict, help_text="What the launcher needs to find the job again.")

    def __str__(self) -> str:
        return f"{self.run_id} by {self.worker or 'nobody'}"


class MetricRow(models.Model):
    """One line of the job's metrics file; `seq` is the line's number. After a resume the later row of a step counts."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="metrics")
    seq = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    at = models.DateTimeField()
    values = models.JSONField(help_text="Name → decimal text.")

    class Meta:
        ordering = ("run", "seq")
        constraints = (models.UniqueConstraint(fields=("run", "seq"), name="metric_line"),)

    def __str__(self) -> str:
        return f"{self.run_id} step {self.step}"


class RunEvent(models.Model):
    """One line of the job's events file; `seq` is the line's number."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    name = models.CharField(max_length=40)
    data = models.JSONField()

    class Meta:
        ordering = ("run", "seq")
        constraints = (models.UniqueConstraint(fields=("run", "seq"), name="event_line"),)
        indexes = [models.Index(fields=["run", "name", "seq"], name="event_name")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.name}"
