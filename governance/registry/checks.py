"""What `ledger verify` looks at beyond the ledger: that stored files are what versions name, and starts without ends."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from governance.ledger.audit import Audit, Progress
from governance.registry import blobs, erasure
from governance.registry.models import Activity, Erasure, Version

OPEN_FOR = timedelta(hours=48)
"""An activity that started longer ago and has not ended is worth a notice."""


def files(audit: Audit, progress: Progress, done: set[str]) -> None:
    """Read every file that a version's content names, and compare its SHA-256. Those in `done` are not read again."""
    named = _named()
    for number, (sha256, subject) in enumerate(sorted(named.items()), 1):
        audit.looked_at["files"] += 1
        if sha256 not in done:
            fault = _fault(sha256)
            if fault:
                audit.found("files", f"{subject}: {fault}")
            else:
                done.add(sha256)
        progress("stored files", number, len(named))


def starts(audit: Audit, progress: Progress, done: set[str]) -> None:
    """Notice what started and has not ended: a bad result may have been kept back."""
    late = Activity.objects.filter(state=Activity.STARTED, started_at__lt=timezone.now() - OPEN_FOR)
    audit.looked_at["starts"] = Activity.objects.filter(state=Activity.STARTED).count()
    for activity in late.order_by("started_at", "pk"):
        audit.notices.append(
            f"{activity.label} ({activity.kind}) started at {activity.started_at:%F %R} UTC and has not ended;"
            " find out why, or end it as failed"
        )


def erasures(audit: Audit, progress: Progress, done: set[str]) -> None:
    """Find erasures that died before their files were removed."""
    audit.looked_at["erasures"] = Erasure.objects.filter(state=Erasure.DONE).count()
    for one, sha256 in erasure.unfinished():
        audit.found(
            "erasures",
            f"the bytes of {sha256} are still in the store, and the erasure of {one.subject} took them away;"
            " run manage.py erase --finish",
        )


def _named() -> dict[str, str]:
    """SHA-256 of each file that a sealed version names → the first such version's subject."""
    named: dict[str, str] = {}
    versions = Version.objects.exclude(state="draft").exclude(content__isnull=True)
    for version in versions.select_related("artifact").order_by("sealed_at", "pk").iterator():
        for entry in (version.content or {}).get("files", []):
            named.setdefault(entry["sha256"], version.subject)
    return named


def _fault(sha256: str) -> str | None:
    try:
        found = blobs.digest(sha256)
    except blobs.MissingBlob as error:
        return str(error)
    return (
        None
        if found == sha256
        else f"the stored bytes of {sha256} have the digest {found}; restore them from a backup"
    )
