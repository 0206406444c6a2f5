"""What reviewers said, each about the exact digest that they saw."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp


class Review(Auditable):
    ledger_type = "reviews.review"

    APPROVE, REFUSE, CHANGES, DISSENT = VERDICTS = ("approve", "refuse", "changes", "dissent")
    FROZEN = ("version", "digest", "verdict", "reason", "reviewer", "groups", "draft", "at")

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="reviews")
    digest = models.CharField(max_length=64)
    verdict = models.CharField(max_length=8, choices=[(name, name) for name in VERDICTS])
    reason = models.TextField(max_length=10_000)
    reviewer = models.CharField(max_length=80)
    groups = models.JSONField(default=list, help_text="Groups of reviewers that the person was in then.")
    draft = models.ForeignKey(
        Version, null=True, on_delete=models.PROTECT, related_name="+", help_text="Where changes are made."
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ("at",)
        constraints = (models.UniqueConstraint(fields=("version", "reviewer"), name="review_once_a_person"),)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.version.subject,
                "digest": self.digest,
                "verdict": self.verdict,
                "reason": self.reason,
                "reviewer": self.reviewer,
                "groups": sorted(self.groups),
                "draft": self.draft.subject if self.draft else None,
                "at": stamp(self.at),
            }
        }

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.verdict} {self.version.subject}"
