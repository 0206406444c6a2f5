"""One model as often as there are trails: the same columns, created and updated through each trail's own way."""

# ruff: noqa: DJ008 - nobody reads these rows

import hashlib
import uuid
from typing import Any

from django.apps import apps
from django.db import models

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.canonical import canonical
from governance.ledger.events import EventKind
from governance.ledger.models import Auditable

ADA = Actor.person("ada")


class TrailEvent(EventKind):
    """What happens here."""

    CREATED = "trails:row:created"
    CHANGED = "trails:row:changed"


class Fields(models.Model):
    kind = models.CharField(max_length=32)
    slug = models.SlugField(max_length=80)
    title = models.CharField(max_length=200)

    class Meta:
        abstract = True

    def write(self, fields: list[str] | None = None) -> None:
        """Create the row, or update the named fields of it."""
        self.save(force_insert=fields is None, update_fields=fields)


class Plain(Fields):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Ours(Fields, Auditable):
    ledger_type = "trails.ours"

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {"P": {"kind": self.kind, "slug": self.slug, "title": self.title}}

    def write(self, fields: list[str] | None = None) -> None:
        append(self, op=TrailEvent.CHANGED if fields else TrailEvent.CREATED, actor=ADA, fields=fields)


class Chain(models.Model):
    """The newest hash of an inline hash chain: one row, which every writer locks."""

    hash = models.BinaryField()


class Link(models.Model):
    """A record of the chain, with SHA-256(the hash before it, its body)."""

    body = models.BinaryField()
    hash = models.BinaryField()


class Chained(Fields):
    """Rows that an inline hash chain records: the reference for what a ledger without an outbox costs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    def write(self, fields: list[str] | None = None) -> None:
        super().write(fields)
        body = canonical({"id": str(self.pk), "kind": self.kind, "slug": self.slug, "title": self.title})
        chain = Chain.objects.select_for_update().get()
        chain.hash = hashlib.sha256(bytes(chain.hash) + body).digest()
        Link.objects.create(body=body, hash=chain.hash)
        chain.save(update_fields=["hash"])


TRAILS: dict[str, type[Fields]] = {"Charter": Ours}
"""Whose trail → the model that leaves one. Further down: those whose package is installed."""

if apps.is_installed("simple_history"):
    from simple_history.models import HistoricalRecords

    class Historic(Fields):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        history = HistoricalRecords()

    TRAILS["django-simple-history"] = Historic

if apps.is_installed("auditlog"):
    from auditlog.registry import auditlog

    class Logged(Fields):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    auditlog.register(Logged)
    TRAILS["django-auditlog"] = Logged

if apps.is_installed("reversion"):
    import reversion

    @reversion.register()
    class Reverted(Fields):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)

        def write(self, fields: list[str] | None = None) -> None:
            # The caller's transaction is one already.
            with reversion.create_revision(atomic=False):
                super().write(fields)

    TRAILS["django-reversion"] = Reverted

if apps.is_installed("pghistory"):
    import pghistory

    @pghistory.track()
    class Tracked(Fields):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    TRAILS["django-pghistory"] = Tracked
