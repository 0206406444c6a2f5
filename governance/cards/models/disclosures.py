"""What was handed to somebody who may read more than the public."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp


class Disclosure(Auditable):
    """One bundle for an audience, one card for it, or the opening of one withheld fact: which bytes, to whom, by whom."""

    ledger_type = "cards.disclosure"

    FROZEN = (
        "version", "what", "key", "audience", "evidence_size", "evidence_digest", "sha256", "recipient", "at", "by",
    )  # fmt: skip

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="disclosures")
    what = models.CharField(max_length=20, help_text="zip, opening, or the format of a card.")
    key = models.CharField(max_length=200, blank=True, help_text="Of an opening: the fact.")
    audience = models.CharField(max_length=10)
    evidence_size = models.BigIntegerField(help_text="Ledger size at which the evidence was collected.")
    evidence_digest = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64, help_text="Of the bytes.")
    recipient = models.CharField(max_length=200, help_text="To whom, in words.")
    at = models.DateTimeField()
    by = models.CharField(max_length=80)

    class Meta:
        ordering = ("-at", "pk")

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.version.subject,
                "what": self.what,
                "key": self.key or None,
                "audience": self.audience,
                "evidence": {"size": self.evidence_size, "digest": self.evidence_digest},
                "sha256": self.sha256,
                "at": stamp(self.at),
                "by": self.by,
            },
            "I": {"recipient": self.recipient},
        }

    def __str__(self) -> str:
        return f"{self.what} of {self.version.subject} for {self.recipient}"
