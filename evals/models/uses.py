"""Uses of suites: every look at one for a decision is a row, so that nobody calls a suite unseen that choices were made by."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp


class SuiteUse(Auditable):
    """One look at a suite for a decision; never changed. Made by a person, or by what Charter saw happen."""

    ledger_type = "evals.suite-use"

    GATE, DATA, RECIPE, SNAPSHOT, REPORT = PURPOSES = ("gate", "data", "recipe", "snapshot", "report")
    CHOOSING = (DATA, RECIPE, SNAPSHOT)
    """What a suite is not unseen after: something was chosen by it."""
    FROZEN = ("suite", "digest", "purpose", "served", "reason", "automatic", "cause", "by", "at")

    suite = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="suite_uses")
    digest = models.CharField(max_length=64, help_text="Digest of the suite that was looked at.")
    purpose = models.CharField(max_length=8, choices=[(name, name) for name in PURPOSES])
    served = models.CharField(max_length=200, help_text="What was decided: a version, a run, a gate report.")
    reason = models.TextField(max_length=10_000)
    automatic = models.BooleanField(help_text="Whether Charter saw it, rather than a person saying so.")
    cause = models.CharField(
        max_length=120, blank=True, help_text="Type and id of what led to an automatic use."
    )
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ("-ledger_head__id",)
        constraints = (
            models.UniqueConstraint(
                fields=("cause", "suite"), name="suite_use_once_a_cause", condition=~models.Q(cause="")
            ),
        )

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.suite.subject,
                "digest": self.digest,
                "purpose": self.purpose,
                "served": self.served,
                "reason": self.reason,
                "automatic": self.automatic,
                "cause": self.cause or None,
                "by": self.by,
                "at": stamp(self.at),
            }
        }

    def __str__(self) -> str:
        return f"{self.suite}: {self.purpose} for {self.served}"
