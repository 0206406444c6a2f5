"""Published cards and objections in the search: what became public and why it went, and what was said against it."""

from django.db.models import QuerySet
from django.urls import reverse

from governance.cards.models import Objection, Publication
from governance.registry.search import Document, Shown, Source


def publication(row: Publication) -> Document | None:
    if row.version.restricted:
        return None
    names = ["published", row.state, row.kind, row.version.subject, row.version.artifact.title, row.digest]
    return Document(" ".join([*names, row.by, row.withdrawn_by]), row.reason, row.version.kind)


def shown_publication(row: Publication) -> Shown:
    address = f"{reverse('version', args=[row.version.subject])}#publications"
    title = f"{row.kind} card, published by {row.by}"
    return Shown(row.version.subject, title, address, row.version.kind, row.state)


def objection(row: Objection) -> Document | None:
    """What every signed-in person may read of it: neither the contact nor the receipt number."""
    if row.version.restricted:
        return None
    names = [row.version.subject, row.anchor, row.raised_by, row.answered_by, row.changed]
    text = "\n".join(part for part in (row.text, row.answer) if part)
    return Document(f"objection {' '.join(names)}", text, row.version.kind)


def shown_objection(row: Objection) -> Shown:
    title = f"objection by {row.raised_by or 'somebody without account'}"
    address = reverse("objection", args=[row.pk])
    return Shown(row.version.subject, title, address, row.version.kind, row.state)


def _publications() -> QuerySet[Publication]:
    return Publication.objects.select_related("version__artifact")


def _objections() -> QuerySet[Objection]:
    return Objection.objects.select_related("version__artifact")


SOURCES = (
    Source("publication", "Published card", "Published cards", _publications, publication, shown_publication),
    Source("objection", "Objection", "Objections", _objections, objection, shown_objection),
)
