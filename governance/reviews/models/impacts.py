"""How much hangs on an artifact, where somebody said otherwise than its kind does."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Artifact, stamp
from governance.reviews.requirements import CLASSES


class Impact(Auditable):
    """One change of an artifact's impact class; the newest counts. Never changed."""

    ledger_type = "reviews.impact"

    FROZEN = ("artifact", "impact", "before", "reason", "by", "at")

    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="impacts")
    impact = models.CharField(max_length=6, choices=[(name, name) for name in CLASSES])
    before = models.CharField(max_length=6, choices=[(name, name) for name in CLASSES])
    reason = models.TextField(max_length=10_000)
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ("-ledger_head__id",)

    @property
    def lowers(self) -> bool:
        order: tuple[str, ...] = CLASSES
        return order.index(self.impact) < order.index(self.before)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "artifact": self.artifact.name,
                "impact": self.impact,
                "before": self.before,
                "reason": self.reason,
                "by": self.by,
                "at": stamp(self.at),
            }
        }

    def __str__(self) -> str:
        return f"{self.artifact}: {self.impact}"
