"""What people say about a version while it is discussed: working words, not decisions."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp


class Comment(Auditable):
    """About a version or a part of it; an answer when `answers` is set. Never changed, but resolved once.

    What it says and where it stands are internal: they may quote a restricted version, or a part that is kept internal.
    """

    ledger_type = "reviews.comment"
    ledger_blanks = {"I": {"text": None}}

    FROZEN = ("version", "digest", "anchor", "text", "answers", "author", "at")
    RESOLVED = ("resolved_by", "resolved_at")

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="comments")
    digest = models.CharField(max_length=64, help_text="Digest that was seen.")
    anchor = models.CharField(
        max_length=1000, blank=True, help_text="Id of a part, or a JSON pointer; empty: the whole version."
    )
    text = models.TextField(max_length=10_000, null=True)  # noqa: DJ001  (erased ones have none)
    answers = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="answered_by")
    author = models.CharField(max_length=80)
    at = models.DateTimeField()
    resolved_by = models.CharField(max_length=80, blank=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("at", "id")

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.version.subject,
                "digest": self.digest,
                "answers": str(self.answers_id) if self.answers_id else None,
                "author": self.author,
                "at": stamp(self.at),
                "resolved_by": self.resolved_by or None,
                "resolved_at": stamp(self.resolved_at),
            },
            "I": {"anchor": self.anchor, "text": self.text},
        }

    def __str__(self) -> str:
        return f"{self.author} about {self.version.subject}"
