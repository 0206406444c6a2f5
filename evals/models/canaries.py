"""Canaries: a suite that is asked again and again of what answers at a runtime, and the alarms when the answers changed."""

from typing import Any

from django.db import models

from governance.ledger.decimals import decimal_text
from governance.ledger.models import Auditable
from governance.registry.models import Activity, Version, stamp
from governance.releases.models import Runtime
from training import states
from training.models import Run


class Canary(Auditable):
    """Which suite is asked where and how often. `run` is its newest run, `reference` what later evaluations are held against."""

    ledger_type = "evals.canary"

    ACTIVE, ENDED = STATES = ("active", "ended")
    REFERENCE, UNCHANGED, CHANGED, NOT_COMPARED = OUTCOMES = (
        "reference",
        "unchanged",
        "changed",
        "not_compared",
    )
    FROZEN = ("runtime", "model", "suite", "every_hours", "alpha", "at", "by")
    TURN = ("run", "due_at", "failures", "refused")
    LOOK = ("reference", "evaluation", "since", "look", "log_e", "outcome", "why")
    ENDING = ("ended_at", "ended_by", "reason")

    runtime = models.ForeignKey(Runtime, on_delete=models.PROTECT, related_name="canaries")
    model = models.ForeignKey(
        Version, on_delete=models.PROTECT, related_name="+", help_text="Its endpoint is asked."
    )
    suite = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    every_hours = models.PositiveSmallIntegerField()
    alpha = models.DecimalField(
        max_digits=7, decimal_places=6, help_text="Chance of a false alarm over all looks at one reference."
    )
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField(help_text="When it is asked next.")
    failures = models.PositiveIntegerField(
        default=0, help_text="Turns in a row that failed before the newest."
    )
    refused = models.TextField(blank=True, help_text="Why the newest turn queued no run.")
    reference = models.ForeignKey(Activity, null=True, on_delete=models.PROTECT, related_name="+")
    evaluation = models.ForeignKey(
        Activity, null=True, on_delete=models.PROTECT, related_name="+", help_text="The newest that was looked at."
    )  # fmt: skip
    since = models.CharField(
        max_length=64, blank=True, help_text="Entry of the change that the reference is the first evaluation after."
    )  # fmt: skip
    look = models.PositiveIntegerField(default=0, help_text="Evaluations held against the reference so far.")
    log_e = models.CharField(
        max_length=40, blank=True, help_text="Logarithm of the e-value of all looks, as decimal text."
    )
    outcome = models.CharField(
        max_length=12,
        choices=[(name, name) for name in OUTCOMES],
        blank=True,
        help_text="Of the newest look.",
    )
    why = models.TextField(blank=True, help_text="Why the newest evaluation was not compared.")
    state = models.CharField(max_length=6, choices=[(name, name) for name in STATES], default=ACTIVE)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    reason = models.TextField(max_length=10_000, blank=True)

    class Meta:
        ordering = ("-at", "id")
        verbose_name_plural = "canaries"
        indexes = (models.Index(fields=("state", "due_at"), name="canary_due"),)
        constraints = (
            models.UniqueConstraint(
                fields=("runtime", "model", "suite"), name="canary_once", condition=models.Q(state="active")
            ),
        )

    @property
    def is_running(self) -> bool:
        return self.run is not None and not self.run.has_ended

    @property
    def failed_in_a_row(self) -> int:
        """Turns that failed, the newest among them, since one last succeeded; a cancelled one counts as neither."""
        if self.refused or (self.run and self.run.state == states.FAILED):
            return self.failures + 1
        return 0 if self.run and self.run.state == states.SUCCEEDED else self.failures

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "runtime": self.runtime.slug,
                "model": self.model.subject,
                "model_digest": self.model.digest,
                "suite": self.suite.subject,
                "suite_digest": self.suite.digest,
                "every_hours": self.every_hours,
                "alpha": decimal_text(self.alpha),
                "at": stamp(self.at),
                "by": self.by,
                "run": str(self.run_id) if self.run_id else None,
                "due_at": stamp(self.due_at),
                "failures": self.failures,
                "refused": self.refused or None,
                "reference": str(self.reference_id) if self.reference_id else None,
                "evaluation": str(self.evaluation_id) if self.evaluation_id else None,
                "since": self.since or None,
                "look": self.look,
                "log_e": self.log_e or None,
                "outcome": self.outcome or None,
                "why": self.why or None,
                "state": self.state,
                "ended_at": stamp(self.ended_at),
                "ended_by": self.ended_by or None,
                "reason": self.reason or None,
            }
        }

    def __str__(self) -> str:
        return f"{self.suite.subject} at {self.runtime.slug}"


class CanaryAlarm(Auditable):
    """That the answers at a runtime changed though nothing was released there. A person closes it, with a reason."""

    ledger_type = "evals.canary-alarm"

    OPEN, CLOSED = STATES = ("open", "closed")
    RAISED = ("canary", "reference", "evaluation", "look", "e", "tasks", "at")
    CLOSING = ("closed_at", "closed_by", "reason")

    canary = models.ForeignKey(Canary, on_delete=models.PROTECT, related_name="alarms")
    reference = models.ForeignKey(Activity, on_delete=models.PROTECT, related_name="+")
    evaluation = models.ForeignKey(Activity, on_delete=models.PROTECT, related_name="+")
    look = models.PositiveIntegerField()
    e = models.CharField(max_length=40, help_text="E-value of all looks, as decimal text.")
    tasks = models.JSONField(help_text="[{task, n, lost, won, e}] of this look.")
    at = models.DateTimeField()
    state = models.CharField(max_length=6, choices=[(name, name) for name in STATES], default=OPEN)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=80, blank=True)
    reason = models.TextField(max_length=10_000, blank=True)

    class Meta:
        ordering = ("-at", "id")
        constraints = (models.UniqueConstraint(fields=("canary", "reference"), name="canary_alarm_once"),)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "canary": str(self.canary_id),
                "runtime": self.canary.runtime.slug,
                "reference": str(self.reference_id),
                "evaluation": str(self.evaluation_id),
                "look": self.look,
                "e": self.e,
                "tasks": self.tasks,
                "at": stamp(self.at),
                "state": self.state,
                "closed_at": stamp(self.closed_at),
                "closed_by": self.closed_by or None,
                "reason": self.reason or None,
            }
        }

    def __str__(self) -> str:
        return f"{self.canary} changed"
