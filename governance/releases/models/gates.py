"""Gate reports: what a release policy said about a release, at one size of the ledger."""

from typing import Any

from django.db import models

from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp


class GateReport(Auditable):
    """One run of the gate; never changed. The report itself is `report`, and a blob of the same bytes."""

    ledger_type = "releases.gate-report"

    PASSED, REFUSED, UNDECIDED = "passed", "refused", "undecided"
    FROZEN = (
        "version", "digest", "policy", "policy_digest", "evidence_size", "evidence_root", "evidence_digest", "verdict",
        "report", "report_sha256", "at", "by",
    )  # fmt: skip

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="gate_reports")
    digest = models.CharField(max_length=64, help_text="Digest of the release that was judged.")
    policy = models.CharField(max_length=120, help_text="Release policy that judged, as kind:slug@number.")
    policy_digest = models.CharField(max_length=64)
    evidence_size = models.BigIntegerField(help_text="Ledger size at which the evidence was collected.")
    evidence_root = models.CharField(max_length=64)
    evidence_digest = models.CharField(max_length=64)
    verdict = models.CharField(max_length=9, choices=[(v, v) for v in (PASSED, REFUSED, UNDECIDED)])
    report = models.JSONField()
    report_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    by = models.CharField(max_length=200)

    class Meta:
        ordering = ("-ledger_head__id",)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.version.subject,
                "digest": self.digest,
                "policy": {"subject": self.policy, "digest": self.policy_digest},
                "evidence": {
                    "size": self.evidence_size,
                    "root": self.evidence_root,
                    "digest": self.evidence_digest,
                },
                "verdict": self.verdict,
                "report": self.report_sha256,
                "at": stamp(self.at),
                "by": self.by,
            }
        }

    def ledger_faults(self) -> list[str]:
        found = sha256_hex(canonical(self.report))
        if found == self.report_sha256:
            return []
        return [
            f"gate report {self.id} of {self.version.subject}: its text has the digest {found}, not {self.report_sha256}"
        ]

    def __str__(self) -> str:
        return f"{self.version.subject}: {self.verdict} at {self.evidence_size}"
