"""The ledger's rows: entries, the Merkle tree over them, its signed checkpoints, and what they speak about."""

import uuid
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models

HASH_HEX = 64


class Entry(models.Model):
    """One record. `body` is the leaf; `parts` maps each visibility class to its salt and payload, or null once erased."""

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    rev = models.PositiveIntegerField()
    op = models.CharField(max_length=100)
    actor = models.CharField(max_length=200)
    at = models.DateTimeField()
    body = models.BinaryField()
    parts = models.JSONField()
    leaf_hash = models.CharField(max_length=HASH_HEX, unique=True)
    leaf_index = models.BigIntegerField(null=True, unique=True)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["object_type", "object_id", "rev"], name="ledger_entry_revision")
        ]
        indexes = [
            models.Index(
                fields=["id"], name="ledger_entry_pending", condition=models.Q(leaf_index__isnull=True)
            ),
            models.Index(fields=["at"], name="ledger_entry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.op} {self.object_type} {self.object_id} r{self.rev}"


class Tile(models.Model):
    """Up to 256 hashes of one level of the tree, as in C2SP tlog-tiles; it only ever grows."""

    id = models.BigAutoField(primary_key=True)
    level = models.PositiveSmallIntegerField()
    idx = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "idx"], name="ledger_tile_position")]

    def __str__(self) -> str:
        return f"tile {self.level}/{self.idx}"


class Head(models.Model):
    """The tree as sequenced so far: one row, not yet signed. `root` is hex."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField()
    root = models.CharField(max_length=HASH_HEX)

    def __str__(self) -> str:
        return f"{self.size} entries, root {self.root}"


class Checkpoint(models.Model):
    """A signed head of the tree: the text of a C2SP note."""

    size = models.BigIntegerField(primary_key=True)
    note = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"


class Cosignature(models.Model):
    """A witness's signature line under a checkpoint (C2SP tlog-cosignature)."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="cosignatures")
    witness = models.CharField(max_length=200)
    line = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="ledger_cosignature_once")
        ]
        indexes = [models.Index(fields=["witness", "-checkpoint"], name="ledger_cosignature_newest")]

    def __str__(self) -> str:
        return f"{self.witness} under {self.checkpoint_id}"


class Timestamp(models.Model):
    """An RFC 3161 token over a checkpoint's note: proof, by an authority's clock, that it existed by then."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="timestamps")
    authority = models.CharField(max_length=200)
    token = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "authority"], name="ledger_timestamp_once")
        ]

    def __str__(self) -> str:
        return f"{self.authority} on {self.checkpoint_id}"


class Alarm(models.Model):
    """What a witness or a monitor found wrong with the log. No entry: what outsiders say must not make the log grow.

    `over` is when the same source found it right again, or, with an `ending`, when somebody ended that source.
    """

    source = models.CharField(max_length=200)
    sentence = models.TextField()
    since = models.DateTimeField(auto_now_add=True)
    over = models.DateTimeField(null=True)
    ending = models.ForeignKey("Ending", null=True, on_delete=models.PROTECT, related_name="alarms")

    class Meta:
        ordering = ("-since",)
        indexes = [
            models.Index(
                fields=["source", "since"], name="ledger_alarm_open", condition=models.Q(over__isnull=True)
            ),
            models.Index(fields=["-over"], name="ledger_alarm_past", condition=models.Q(over__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.sentence}"


class Monitor(models.Model):
    """A monitor that reports here, and its newest look. No entry, like its alarms; that somebody ended it is one."""

    name = models.CharField(max_length=60, unique=True)
    reporter = models.CharField(
        max_length=40, help_text="Handle of the account that reports under this name."
    )
    at = models.DateTimeField(help_text="When it looked, by its own clock.")
    heard = models.DateTimeField(help_text="When its report came, by ours.")
    every = models.PositiveIntegerField(help_text="Seconds after which it said that it looks again.")
    size = models.BigIntegerField(help_text="Entries that it has followed.")
    ending = models.ForeignKey("Ending", null=True, on_delete=models.PROTECT, related_name="+")
    """Null while it is expected to report."""

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return f"monitor {self.name}"


class _AbstractModel(models.base.ModelBase, ABCMeta):
    """So that a model without the methods that every concrete one has cannot be made."""


class Auditable(models.Model, metaclass=_AbstractModel):
    """A row that changes only together with an entry; `append` is its only writer.

    `ledger_type` names the model in entries ("registry.version"). Concrete models are registered with
    `governance.ledger.auditable.register`; database triggers then refuse every other way of changing them.
    """

    ledger_type: ClassVar[str]
    ledger_blanks: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Visibility class → what stands in the row's own fields once the parts of that class were erased.

    What the row cannot do without is not among them, and stays.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ledger_rev = models.PositiveIntegerField(default=0, editable=False)
    ledger_head = models.ForeignKey(
        Entry, to_field="leaf_hash", on_delete=models.PROTECT, related_name="+", editable=False
    )
    ledger_head_id: str

    class Meta:
        abstract = True

    @abstractmethod
    def ledger_state(self) -> dict[str, dict[str, Any]]:
        """The row's state by visibility class: P public, D downstream, R authority, I internal, X personal.

        Values are canonical: no floats (decimals as strings), times as text; content and files by digest only.
        """

    def ledger_faults(self) -> list[str]:
        """What in this row is bound by its state but does not match it, such as content against its digest.

        Sentences for `ledger verify`; none when all is well.
        """
        return []


class SigningKey(Auditable):
    """A key that the log signs with, from its rotation on: which tree sizes it signs, and how its use ended."""

    ledger_type = "ledger.key"

    ACTIVE, RETIRED, COMPROMISED = STATES = ("active", "retired", "compromised")

    vkey = models.CharField(max_length=400, unique=True)
    state = models.CharField(max_length=12, choices=[(name, name) for name in STATES], default=ACTIVE)
    since = models.BigIntegerField()
    until = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return self.vkey

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {"P": {"vkey": self.vkey, "state": self.state, "since": self.since, "until": self.until}}


class Ending(Auditable):
    """That nothing more is expected of a monitor, and its alarms are over: who said so, and why. It may report again."""

    ledger_type = "ledger.ending"

    name = models.CharField(max_length=60, help_text="The monitor's.")
    reason = models.TextField(max_length=10_000)
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.by} ended monitor {self.name}"

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        at = f"{self.at:%Y-%m-%dT%H:%M:%SZ}"
        return {"P": {"name": self.name, "reason": self.reason, "by": self.by, "at": at}}
