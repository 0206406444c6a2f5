"""What `ledger verify` looks at: that the judgements of closed studies are those that the closing digested, and what stays open."""

from datetime import timedelta

from django.utils import timezone

from evals.human import judgements, pairs
from evals.models import Study
from governance.evidence.records import Inconsistent
from governance.ledger.audit import Audit, Progress
from governance.ledger.canonical import sha256_hex
from governance.registry.blobs import MissingBlob
from governance.registry.models import Blob

OPEN_FOR = timedelta(days=30)
"""A study that was opened longer ago and has not ended is worth a notice."""


def studies(audit: Audit, progress: Progress, done: set[str]) -> None:
    """Write each closed study's judgements again, and compare their digest with the recorded one. Notice what stays open: a
    result that nobody likes may be kept back."""
    closed = Study.objects.filter(state=Study.CLOSED).select_related("activity").order_by("ended_at", "pk")
    number = closed.count()
    for place, study in enumerate(closed.iterator(), 1):
        audit.looked_at["judgements"] += 1
        if fault := _fault(study):
            audit.found("judgements", f"{study.title}: {fault}")
        progress("studies", place, number)
    late = Study.objects.filter(state=Study.OPEN, opened_at__lt=timezone.now() - OPEN_FOR)
    for study in late.order_by("opened_at", "pk"):
        audit.notices.append(
            f"{study.title} was opened at {study.opened_at:%F %R} UTC and has not ended; close it, or cancel it with a reason"
        )


def _fault(study: Study) -> str | None:
    recorded = study.activity.summary.get("judgements_sha256") if study.activity else None
    try:
        found = sha256_hex(judgements.lines(judgements.rows(study), pairs.read(study.pairs_sha256)))
    except MissingBlob as error:
        # What was erased under a legal request cannot be held against anything any more.
        return None if Blob.objects.filter(sha256=study.pairs_sha256, erased=True).exists() else str(error)
    except Inconsistent as error:
        return str(error)
    return None if found == recorded else f"its judgements have the digest {found}, not {recorded}"
