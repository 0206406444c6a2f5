"""Canaries in the search: what is asked where, who set it, and why it was ended."""

from django.db.models import QuerySet
from django.urls import reverse

from evals import canaries
from evals.models import Canary
from governance.registry.search import Document, Shown, Source


def document(row: Canary) -> Document | None:
    """Only what changes when somebody sets or ends it: a turn writes no words. None where suite or model is restricted."""
    if row.suite.restricted or row.model.restricted:
        return None
    names = [row.runtime.slug, row.runtime.title, row.suite.subject, row.model.subject, row.by, row.ended_by]
    return Document(" ".join([*names, str(row.pk)]), row.reason)


def shown(row: Canary) -> Shown:
    address = f"{reverse('runtime', args=[row.runtime.slug])}#canaries"
    return Shown(str(row), f"asks {row.model.subject}, set by {row.by}", address, state=row.state)


def rows() -> QuerySet[Canary]:
    return Canary.objects.select_related(*canaries.JOINED)


SOURCE = Source("canary", "Canary", "Canaries", rows, document, shown)
