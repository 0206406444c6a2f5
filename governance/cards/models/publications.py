"""Published cards: which bytes anybody could read, since when, and until when."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry import blobs
from governance.registry.models import Version, stamp


class Publication(Auditable):
    """One card as it was published. Its bytes are blobs and never change; only whether they are shown does, once."""

    ledger_type = "cards.publication"

    PUBLISHED, WITHDRAWN = STATES = ("published", "withdrawn")
    FROZEN = (
        "version", "digest", "kind", "evidence_size", "evidence_root", "evidence_digest", "facts_digest", "files", "names",
        "at", "by",
    )  # fmt: skip
    WITHDRAWAL = ("reason", "withdrawn_by", "withdrawn_at")

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="publications")
    digest = models.CharField(max_length=64, help_text="Digest of the version.")
    kind = models.CharField(max_length=12, help_text="Kind of card.")
    evidence_size = models.BigIntegerField(help_text="Ledger size at which the evidence was collected.")
    evidence_root = models.CharField(max_length=64)
    evidence_digest = models.CharField(max_length=64)
    facts_digest = models.CharField(max_length=64, help_text="Of what the facts say, without who decided.")
    files = models.JSONField(help_text="Rendering → SHA-256 of its bytes: html, md, json, zip.")
    names = models.JSONField(help_text="Versions that the card names, each as kind:slug@number, sorted.")
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    state = models.CharField(max_length=9, choices=[(state, state) for state in STATES], default=PUBLISHED)
    reason = models.TextField(max_length=10_000, blank=True, help_text="Why it was withdrawn.")
    withdrawn_by = models.CharField(max_length=80, blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-evidence_size", "kind")
        constraints = (
            models.UniqueConstraint(
                fields=("version", "kind", "evidence_size"), name="publication_once_a_size"
            ),
        )

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.version.subject,
                "digest": self.digest,
                "kind": self.kind,
                "evidence": {
                    "size": self.evidence_size,
                    "root": self.evidence_root,
                    "digest": self.evidence_digest,
                    "facts": self.facts_digest,
                },
                "files": self.files,
                "names": self.names,
                "at": stamp(self.at),
                "by": self.by,
                "state": self.state,
                "reason": self.reason or None,
                "withdrawn_by": self.withdrawn_by or None,
                "withdrawn_at": stamp(self.withdrawn_at),
            }
        }

    def ledger_faults(self) -> list[str]:
        """Renderings whose bytes are gone or are others than were published."""
        return [fault for name, sha256 in sorted(self.files.items()) if (fault := self._fault(name, sha256))]

    def _fault(self, name: str, sha256: str) -> str | None:
        try:
            found = blobs.digest(sha256)
        except blobs.MissingBlob as error:
            return f"published {name} of {self.version.subject}: {error}"
        same = found == sha256
        return (
            None
            if same
            else f"published {name} of {self.version.subject} has the digest {found}, not {sha256}"
        )

    def __str__(self) -> str:
        return f"{self.kind} card of {self.version.subject} at {self.evidence_size}"
