"""Which waivers hold: as the ledger of a size has them for the gate, and as they stand now for what comes after it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from governance.evidence.records import Recorded
from governance.evidence.view import View
from governance.registry.models import Version, stamp
from governance.releases.cel import PASSED
from governance.releases.models import GateReport, Waiver
from governance.releases.rules import BLOCK


def in_force(version: Version, policy: Version, size: int) -> dict[str, dict[str, Any]]:
    """Rule id → what a gate report says of the waiver: those that the first `size` entries hold as granted for exactly
    this release and this policy, and that have not expired. Of several for one rule, the one that holds longest."""
    now, found = stamp(timezone.now()) or "", {}
    for key, record in sorted(
        granted(View(version, size)).items(), key=lambda pair: pair[1].state["expires_at"]
    ):
        state = record.state
        for_these = (state["digest"], state["policy"]["digest"]) == (version.digest, policy.digest)
        if for_these and state["expires_at"] > now:
            found[state["rule"]] = {
                "id": key,
                "by": state["granted_by"],
                "proposed_by": state["proposed_by"],
                "reason": state["reason"],
                "expires_at": state["expires_at"],
                "entry": record.entry_index,
            }
    return found


def granted(view: View) -> dict[str, Recorded]:
    """Id → record of the waivers of a release that the view's ledger holds as granted, expired ones included, oldest first."""
    keys = Waiver.objects.filter(version=view.version).values_list("pk", flat=True)
    records = view.load(Waiver.ledger_type, keys)
    held = [(key, record) for key, record in records.items() if record.state["state"] == Waiver.GRANTED]
    return dict(sorted(held, key=lambda pair: pair[1].entry_index))


def lapsed(report: GateReport) -> str | None:
    """Which waiver that the report counted holds no longer, or None."""
    return _lapsed(report, _counted([report]))


def over(versions: Iterable[Version]) -> dict[Any, str]:
    """Release's key → which waiver that the newest gate report that passed counted holds no longer. Four queries at most."""
    ended = Q(expires_at__lte=timezone.now()) | Q(state=Waiver.WITHDRAWN)
    rows = Waiver.objects.filter(ended, version__in=list(versions)).exclude(granted_by="")
    waived = set(rows.values_list("version", flat=True))
    if not waived:
        return {}
    newest = GateReport.objects.filter(version=OuterRef("pk"), verdict=PASSED).values("pk")[:1]
    keys = Version.objects.filter(pk__in=waived).values_list(Subquery(newest), flat=True)
    reports = list(GateReport.objects.filter(pk__in=list(keys)))
    held = _counted(reports)
    return {report.version_id: why for report in reports if (why := _lapsed(report, held))}


def _counted(reports: Iterable[GateReport]) -> dict[str, Waiver]:
    """Id → row of the waivers that these reports counted."""
    rows = Waiver.objects.in_bulk([one["id"] for report in reports for one in report.report["waivers"]])
    return {str(key): row for key, row in rows.items()}


def _lapsed(report: GateReport, held: Mapping[str, Waiver]) -> str | None:
    for waiver in report.report["waivers"]:
        row = held.get(waiver["id"])
        if row is None or row.state != Waiver.GRANTED:
            return f"The waiver of rule {waiver['rule']} was withdrawn; run the gate again."
        if row.expires_at <= timezone.now():
            return (
                f"The waiver of rule {waiver['rule']} expired at {waiver['expires_at']}; run the gate again."
            )
    return None


def open_for(version: Version, policy_digest: str) -> QuerySet[Waiver]:
    """Waivers of a release under one policy that are proposed, or granted and not expired."""
    return Waiver.objects.filter(
        version=version,
        digest=str(version.digest),
        policy_digest=policy_digest,
        state__in=(Waiver.PROPOSED, Waiver.GRANTED),
        expires_at__gt=timezone.now(),
    )


def waivable(rules: Iterable[Mapping[str, Any]], taken: Iterable[str]) -> Iterator[str]:
    """Ids of the rules of a gate report for which a waiver may be proposed; `taken` are those that have one."""
    known = frozenset(taken)
    for rule in rules:
        if (
            rule["severity"] == BLOCK
            and rule["waivable"]
            and rule["verdict"] != PASSED
            and rule["id"] not in known
        ):
            yield rule["id"]
