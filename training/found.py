"""Runs in the search: what was run on what, and why it ended as it did."""

from django.db.models import QuerySet
from django.urls import reverse

from governance.registry.search import Document, Shown, Source
from training.models import Run


def document(row: Run) -> Document:
    inputs = [pinned.subject for role in row.parsed.inputs.values() for pinned in role]
    return Document(f"{row.label} {row.pk} {row.requested_by}", "\n".join([row.reason, *inputs]).strip())


def shown(row: Run) -> Shown:
    return Shown(
        row.label, f"asked for by {row.requested_by}", reverse("run", args=[row.pk]), state=row.state
    )


def rows() -> QuerySet[Run]:
    return Run.objects.all()


SOURCE = Source("run", "Run", "Runs", rows, document, shown)
