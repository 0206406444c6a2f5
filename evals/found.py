"""Evaluations in the search: which model was measured with which suite."""

from django.db.models import QuerySet
from django.urls import reverse

from evals.records import KIND
from governance.registry.models import Activity
from governance.registry.search import Document, Shown, Source


def document(row: Activity) -> Document | None:
    if row.kind != KIND:
        return None
    return Document(f"{row.label} {row.pk}", "\n".join(str(edge["subject"]) for edge in row.used))


def shown(row: Activity) -> Shown:
    return Shown(row.label, row.by, reverse("evaluation", args=[row.pk]), state=row.state)


def rows() -> QuerySet[Activity]:
    return Activity.objects.filter(kind=KIND)


SOURCE = Source("evaluation", "Evaluation", "Evaluations", rows, document, shown)
