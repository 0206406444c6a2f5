"""Uses of suites in the search: what a suite was looked at for, and what was decided."""

from django.db.models import QuerySet
from django.urls import reverse

from evals.models import SuiteUse
from governance.registry.models import Version
from governance.registry.search import Document, Shown, Source


def document(row: SuiteUse) -> Document | None:
    """The reason, unless the suite or what the use served is restricted: a reason may quote what only few may read."""
    if row.suite.restricted or _is_restricted(row.served):
        return None
    names = [row.suite.subject, row.purpose, row.served, row.by, str(row.pk)]
    return Document(" ".join(names), row.reason, row.suite.kind)


def shown(row: SuiteUse) -> Shown:
    address = f"{reverse('version', args=[row.suite.subject])}#suite-uses"
    return Shown(row.suite.subject, f"{row.purpose} for {row.served}, by {row.by}", address, row.suite.kind)


def rows() -> QuerySet[SuiteUse]:
    return SuiteUse.objects.select_related("suite__artifact")


def _is_restricted(served: str) -> bool:
    """Whether `served` names a restricted version, or without a number an artifact that has one."""
    name, _, number = served.partition("@")
    kind, _, slug = name.partition(":")
    named = Version.objects.filter(artifact__kind=kind, artifact__slug=slug, restricted=True)
    # Both databases keep a number in 31 bits.
    if number.isdecimal() and len(number) < 10:
        named = named.filter(number=int(number))
    return bool(slug) and named.exists()


SOURCE = Source("suite-use", "Use of a suite", "Uses of suites", rows, document, shown)
