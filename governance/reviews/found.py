"""Reviews in the search: what reviewers said."""

from django.db.models import QuerySet
from django.urls import reverse

from governance.registry.search import Document, Shown, Source
from governance.reviews.models import Review


def document(row: Review) -> Document | None:
    """The reason, unless it is about a restricted version: a reason may quote what only few may read."""
    if row.version.restricted:
        return None
    return Document(f"{row.version.subject} {row.reviewer} {row.verdict}", row.reason, row.version.kind)


def shown(row: Review) -> Shown:
    address = reverse("version", args=[row.version.subject])
    return Shown(row.version.subject, f"{row.verdict} by {row.reviewer}", address, row.version.kind)


def rows() -> QuerySet[Review]:
    return Review.objects.select_related("version__artifact")


SOURCE = Source("review", "Review", "Reviews", rows, document, shown)
