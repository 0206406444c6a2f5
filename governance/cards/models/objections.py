"""What anybody said against a published card, or a rule that it names, and what came of it."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry.models import Version, stamp


class Objection(Auditable):
    """One objection. Whoever holds its receipt number reads it; its text is for authorities, a contact is personal."""

    ledger_type = "cards.objection"
    ledger_blanks = {"R": {"text": ""}, "X": {"contact": ""}}

    OPEN, ANSWERED, REJECTED = STATES = ("open", "answered", "rejected")
    UPHELD, PARTLY, NOT_UPHELD = OUTCOMES = ("upheld", "partly", "not_upheld")
    FROZEN = ("receipt", "version", "digest", "anchor", "raised_by", "at", "due_at")
    ANSWER = ("outcome", "answer", "changed", "answered_by", "answered_at")

    receipt = models.CharField(
        max_length=32, unique=True, help_text="Random; whoever has it reads the objection."
    )
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="objections")
    digest = models.CharField(max_length=64, help_text="Digest of the version at that time.")
    anchor = models.CharField(
        max_length=120,
        blank=True,
        help_text="Field of the card, or id of a principle or rule; empty: the whole.",
    )
    text = models.TextField(max_length=10_000)
    contact = models.CharField(max_length=200, blank=True)
    raised_by = models.CharField(
        max_length=80, blank=True, help_text="Handle; empty for somebody without account."
    )
    at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
    state = models.CharField(max_length=8, choices=[(state, state) for state in STATES], default=OPEN)
    outcome = models.CharField(max_length=10, blank=True, choices=[(word, word) for word in OUTCOMES])
    answer = models.TextField(max_length=10_000, blank=True, help_text="The answer, or why it was rejected.")
    changed = models.CharField(
        max_length=200,
        blank=True,
        help_text="What changed by it: kind:slug@number, or entry:N of a decision.",
    )
    answered_by = models.CharField(max_length=80, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-at", "id")

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.version.subject,
                "digest": self.digest,
                "anchor": self.anchor,
                "raised_by": self.raised_by or None,
                "at": stamp(self.at),
                "due_at": stamp(self.due_at),
                "state": self.state,
                "outcome": self.outcome or None,
                "answer": self.answer or None,
                "changed": self.changed or None,
                "answered_by": self.answered_by or None,
                "answered_at": stamp(self.answered_at),
            },
            "R": {"text": self.text},
            "I": {"receipt": self.receipt},
            "X": {"contact": self.contact},
        }

    def __str__(self) -> str:
        return f"objection to {self.version.subject}"
