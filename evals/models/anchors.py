"""Anchors: the one release of a model line that every later version is held against."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Artifact, Version, stamp


class Anchor(Auditable):
    """Which version of a model is its anchor, who said so and why. Another choice is another revision of the row."""

    ledger_type = "evals.anchor"

    CHOICE = ("version", "reason", "by", "at")
    """Fields that a new choice changes."""

    artifact = models.OneToOneField(Artifact, on_delete=models.PROTECT, related_name="anchor")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=10_000)
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ("artifact",)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "line": self.artifact.name,
                "subject": self.version.subject,
                "digest": self.version.digest,
                "reason": self.reason,
                "by": self.by,
                "at": stamp(self.at),
            }
        }

    def __str__(self) -> str:
        return f"{self.version} anchors {self.artifact}"
