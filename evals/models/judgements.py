"""Studies in which people compare the answers of two models, blind. Only `Study` is ledgered; the judgements are digested when
it closes.
"""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.people.models import Account
from governance.registry.models import Activity, Version, stamp

SIDES = ("a", "b")
PLACES = ("first", "second")
CHOICES = {
    "first": "The first answer is better",
    "second": "The second answer is better",
    "tie": "Both are equally good",
    "both_bad": "Both are bad",
    "skip": "Skip this pair",
}
"""What a rater may say, in the order of the keys 1 to 5."""
REASONS = {
    "unclear": "The question or the guideline does not say what is better",
    "no_expertise": "I lack the knowledge",
    "distressing": "I do not want to read this",
    "broken": "Something is shown wrongly",
}
"""Why a rater may skip a pair. No free text: it could name somebody."""


class Study(Auditable):
    """Two evaluations on one suite, whose answers raters of a pool compare by a guideline.

    While it is open, what raters must not know stands in the entry's internal part; its closing makes that public.
    """

    ledger_type = "evals.study"

    OPEN, CLOSED, CANCELLED = STATES = ("open", "closed", "cancelled")
    PLAN = (
        "question", "evaluation_a", "evaluation_b", "model_a", "model_b", "suite", "pool", "guideline", "dimension", "needed",
        "items", "seed", "margin", "pairs_sha256", "opened_by", "opened_at",
    )  # fmt: skip
    OUTCOME = ("reason", "ended_at", "activity")
    NAMED = (
        "suite__artifact",
        "pool__artifact",
        "guideline__artifact",
        "model_a__artifact",
        "model_b__artifact",
    )
    """What doors and raters need of a study at once, for `select_related`."""

    question = models.CharField(max_length=300, help_text="What raters are asked about each pair.")
    evaluation_a = models.ForeignKey(Activity, on_delete=models.PROTECT, related_name="+")
    evaluation_b = models.ForeignKey(Activity, on_delete=models.PROTECT, related_name="+")
    model_a = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    model_b = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    suite = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    pool = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    guideline = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    dimension = models.CharField(
        max_length=80, blank=True, help_text="What the pool's groups are counted by; empty: no groups."
    )
    needed = models.PositiveSmallIntegerField(help_text="Raters that each item needs.")
    items = models.PositiveIntegerField()
    seed = models.PositiveBigIntegerField()
    margin = models.CharField(max_length=20, help_text="Share of wins away from a half that would matter.")
    pairs_sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=[(state, state) for state in STATES], default=OPEN)
    reason = models.TextField(blank=True, max_length=2000, help_text="Why it ended before it was complete.")
    opened_by = models.CharField(max_length=80)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    activity = models.ForeignKey(Activity, null=True, on_delete=models.PROTECT, related_name="studies")

    class Meta:
        ordering = ("-opened_at", "id")
        verbose_name_plural = "studies"

    @property
    def title(self) -> str:
        """Its name for everybody; it tells nothing of the models."""
        return f"Study {str(self.id)[:8]}"

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        told = {
            "state": self.state,
            "question": self.question,
            "suite": _pin(self.suite),
            "pool": _pin(self.pool),
            "guideline": _pin(self.guideline),
            "dimension": self.dimension or None,
            "needed": self.needed,
            "items": self.items,
            "margin": self.margin,
            "reason": self.reason or None,
            "opened_by": self.opened_by,
            "opened_at": stamp(self.opened_at),
            "ended_at": stamp(self.ended_at),
            "activity": str(self.activity_id) if self.activity_id else None,
        }
        if self.state == self.CLOSED:
            return {"P": {**told, **self._blinded()}}
        return {"P": told, "I": self._blinded()}

    def _blinded(self) -> dict[str, Any]:
        """What tells which model answered what."""
        return {
            "a": {"evaluation": str(self.evaluation_a_id), **_pin(self.model_a)},
            "b": {"evaluation": str(self.evaluation_b_id), **_pin(self.model_b)},
            "seed": self.seed,
            "pairs": self.pairs_sha256,
        }

    def __str__(self) -> str:
        return self.title


def _pin(version: Version) -> dict[str, Any]:
    return {"subject": version.subject, "digest": version.digest}


class Rater(models.Model):
    """Somebody who takes part in a study. Only the number leaves it; with which group they count is their own word."""

    id = models.BigAutoField(primary_key=True)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="raters")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    group = models.CharField(max_length=500, blank=True)
    joined_at = models.DateTimeField()

    class Meta:
        ordering = ("study", "number")
        constraints = (
            models.UniqueConstraint(fields=("study", "account"), name="rater_once"),
            models.UniqueConstraint(fields=("study", "number"), name="rater_number"),
        )

    def __str__(self) -> str:
        return self.pseudonym

    @property
    def pseudonym(self) -> str:
        return f"r{self.number}"


class Assignment(models.Model):
    """The pair that a rater has before them. It goes once it is judged, or to somebody else once its time is over."""

    rater = models.OneToOneField(Rater, on_delete=models.PROTECT, primary_key=True, related_name="assignment")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="assignments")
    item = models.PositiveIntegerField(help_text="Place among the study's pairs.")
    slot = models.PositiveSmallIntegerField(
        help_text="Which of the item's ratings this is; it decides the order."
    )
    token = models.CharField(max_length=32, unique=True)
    until = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("study", "item", "slot"), name="assignment_slot"),)

    def __str__(self) -> str:
        return f"item {self.item} for {self.rater_id}"


class Judgement(models.Model):
    """What one rater said of one pair. Never changed and never deleted: the database refuses it."""

    id = models.BigAutoField(primary_key=True)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="judgements")
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="judgements")
    item = models.PositiveIntegerField()
    slot = models.PositiveSmallIntegerField()
    first = models.CharField(max_length=1, help_text="The side that stood first.")
    choice = models.CharField(max_length=8, choices=list(CHOICES.items()))
    reason = models.CharField(
        max_length=12, blank=True, choices=list(REASONS.items()), help_text="Of a skip."
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ("study", "item", "slot")
        constraints = (
            models.UniqueConstraint(fields=("rater", "item"), name="judgement_once"),
            models.UniqueConstraint(fields=("study", "item", "slot"), name="judgement_slot"),
        )

    def __str__(self) -> str:
        return f"{self.choice} on item {self.item}"
