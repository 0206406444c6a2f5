"""What must hold before a release or a release policy is approved; registered with the reviews."""

from django.db.models import Q

from governance.ledger.models import Entry
from governance.registry.events import RegistryEvent
from governance.registry.models import Activity, Version
from governance.releases.cel import PASSED, REFUSED, UNDECIDED
from governance.releases.components import components, faults_of
from governance.releases.models import GateReport
from governance.releases.rules import BLOCK, check_policy
from governance.releases.waivers_held import lapsed
from governance.reviews.events import ReviewEvent

SEALING = (RegistryEvent.REGISTERED, RegistryEvent.SEALED, ReviewEvent.SUBMITTED)


def parts_are_approved(version: Version) -> str | None:
    """Why the parts of a release do not allow its approval, or None."""
    return " ".join(faults_of(version)) or None


def gate_passed(version: Version) -> str | None:
    """Why the newest gate report of a release does not allow its approval or its use, or None.

    Whatever was revoked since the report may be among what the release comes from, a waiver that it counted may be over, and
    an evaluation that ended since may be a worse one: then it must be run again.
    """
    report = version.gate_reports.first()
    again = f"run manage.py gate {version.subject}"
    if report is None:
        return f"{version.subject} has no gate report; {again}."
    if report.digest != version.digest or report.evidence_size <= _sealed_at(version):
        return f"The newest gate report of {version.subject} is not about what is sealed now; {again}."
    if report.verdict == PASSED:
        if revoked := _revoked_since(report.evidence_size):
            return f"{revoked} was revoked after the gate of {version.subject} ran; {again}."
        if _measured_since(version, report.evidence_size):
            return f"An evaluation of these weights ended after the gate of {version.subject}; {again}."
        return lapsed(report)
    return f"The gate {'refused' if report.verdict == REFUSED else 'could not decide about'} {version.subject}: {_titles(report)}."


def policy_holds(version: Version) -> str | None:
    """What is wrong with the rules of a release policy, or None."""
    return " ".join(check_policy(version.content or {})) or None


def _sealed_at(version: Version) -> int:
    """Leaf index of the entry that sealed the version, or beyond every ledger size while that entry awaits its place."""
    entry = Entry.objects.filter(
        object_type=Version.ledger_type, object_id=str(version.id), op__in=[str(op) for op in SEALING]
    ).order_by("rev")[0]
    return entry.leaf_index if entry.leaf_index is not None else 2**63


def _revoked_since(size: int) -> Version | None:
    """A version that was revoked beyond the first `size` entries: the evidence of that size does not know it."""
    later = Entry.objects.filter(
        Q(leaf_index__gte=size) | Q(leaf_index=None),
        object_type=Version.ledger_type,
        op=RegistryEvent.REVOKED,
    )
    entry = later.order_by("id").first()
    return Version.objects.select_related("artifact").get(pk=entry.object_id) if entry else None


def _measured_since(version: Version, size: int) -> bool:
    """Whether a whole evaluation of the released model ended beyond the first `size` entries; a trial measures nothing."""
    model = components(version)["model"].version if version.content else None
    ended = Activity.objects.filter(
        Q(ledger_head__leaf_index__gte=size) | Q(ledger_head__leaf_index=None),
        Q(summary__limit=None) | Q(summary__limit__isnull=True),
        kind="evaluation",
        state=Activity.ENDED,
        usages__version=model,
        usages__role="evaluated",
    )
    return model is not None and ended.exists()


def _titles(report: GateReport) -> str:
    wanted = REFUSED if report.verdict == REFUSED else UNDECIDED
    failed = [
        rule["title"]
        for rule in report.report["rules"]
        if rule["verdict"] == wanted and rule["severity"] == BLOCK and not rule["waived"]
    ]
    return "; ".join(failed)
