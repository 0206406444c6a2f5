"""Derived tables: which activity used or made which version, which content names which and cites which principle.

Rebuilt by `manage.py reindex`.
"""

from collections.abc import Iterable

from django.db import transaction

from governance.registry import citations, kinds, search
from governance.registry.models import Activity, Production, Reference, Usage, Version


def references(version: Version) -> None:
    """Index what the sealed content of `version` names. Unknown digests are left out: they lie outside this installation."""
    for reference in kinds.get(version.kind).references(version.parsed()):
        for target in Version.objects.filter(digest=reference.digest):
            Reference.objects.get_or_create(version=version, target=target, role=reference.role)


def sealed(version: Version) -> None:
    """Index what a version that was just sealed names and cites, and the words by which it is found."""
    references(version)
    citations.index(version)
    search.index(version)


def usages(activity: Activity, used: Iterable[tuple[str, Version]]) -> None:
    Usage.objects.bulk_create(
        [Usage(activity=activity, version=version, role=role) for role, version in used],
        ignore_conflicts=True,
    )


def productions(activity: Activity, produced: Iterable[tuple[str, Version]]) -> None:
    Production.objects.bulk_create(
        [Production(activity=activity, version=version, role=role) for role, version in produced],
        ignore_conflicts=True,
    )


@transaction.atomic
def rebuild() -> dict[str, int]:
    """Make all index rows anew from content and activities. Returns how many of each there are."""
    for table in (Usage, Production, Reference):
        table.objects.all().delete()
    for version in (
        Version.objects.exclude(digest=None)
        .exclude(content__isnull=True)
        .select_related("artifact")
        .iterator()
    ):
        references(version)
    by_subject = {version.subject: version for version in Version.objects.select_related("artifact")}
    for activity in Activity.objects.iterator():
        usages(activity, [(edge["role"], by_subject[edge["subject"]]) for edge in activity.used])
        productions(activity, [(edge["role"], by_subject[edge["subject"]]) for edge in activity.produced])
    counts = {table.__name__.lower(): table.objects.count() for table in (Usage, Production, Reference)}
    return {**counts, "citation": citations.rebuild(), "document": search.rebuild()}
