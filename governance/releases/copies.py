"""Which gate reports quote a version: they are kept as they were judged, so an erasure only names them."""

from collections.abc import Iterator

from governance.registry.erasure import Copies
from governance.registry.models import Version
from governance.registry.search.own import texts
from governance.releases.models import GateReport


def of_version(version: Version) -> Copies:
    """A sentence for each gate report in which a fact has a text of the version's content as its value."""
    said = set(texts(version.content or {}, version.kind))
    reports = GateReport.objects.select_related("version__artifact") if said else GateReport.objects.none()
    return Copies(
        notes=tuple(
            f"The gate report of {report.version.subject} at {report.evidence_size} entries quotes it, and stays."
            for report in reports.iterator()
            if said & set(_values(report))
        )
    )


def _values(report: GateReport) -> Iterator[str]:
    for rule in report.report["rules"]:
        for fact in rule["facts"]:
            value = fact["value"]
            yield from [
                one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)
            ]
