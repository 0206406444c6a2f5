"""Studies in the search: what raters are asked. Which models are compared is found once a study is closed."""

from django.db.models import QuerySet
from django.urls import reverse

from evals.models import Study
from governance.registry.search import Document, Shown, Source


def document(row: Study) -> Document | None:
    """Nothing of a study over what is restricted; of one that was not closed, nothing that tells which models it compares."""
    read = (row.suite, row.pool, row.guideline, row.model_a, row.model_b)
    if any(version.restricted for version in read):
        return None
    told = read if row.state == Study.CLOSED else read[:3]
    names = [row.title, str(row.pk), *(version.subject for version in told), row.opened_by]
    return Document(" ".join(names), f"{row.question}\n{row.reason}".strip())


def shown(row: Study) -> Shown:
    return Shown(row.title, row.question, reverse("human-study", args=[row.pk]), state=row.state)


def rows() -> QuerySet[Study]:
    return Study.objects.select_related(*Study.NAMED)


SOURCE = Source("study", "Study", "Studies", rows, document, shown)
