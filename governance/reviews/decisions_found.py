"""Decisions as people ask for them: by person, by kind, by what they are about, and by date."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet

from governance.ledger.models import Entry
from governance.registry import lookup
from governance.registry.kinds import UnknownKind
from governance.registry.models import Version
from governance.reviews import decisions

MOST = 500
"""Objects of one model about one subject that are looked for."""


class BadQuestion(ValueError):
    """A filter that cannot be asked: (its name, a sentence)."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def found(
    *,
    person: str = "",
    decision: str = "",
    subject: str = "",
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Entry]:
    """Entries that are decisions, newest first; `until` is the last day that counts. Raises BadQuestion."""
    ops = [op for op, one in decisions.known().items() if not decision or one.label == decision]
    if not ops:
        raise BadQuestion(
            "decision", f"There is no decision {decision!r}; there are {', '.join(decisions.labels())}."
        )
    rows = Entry.objects.filter(op__in=ops)
    if person:
        rows = rows.filter(Q(actor__endswith=f"person:{person}") | Q(actor=person))
    if subject:
        rows = rows.filter(_about(subject))
    if since:
        rows = rows.filter(at__gte=_start(since))
    if until:
        rows = rows.filter(at__lt=_start(until) + timedelta(days=1))
    return rows.defer("body").order_by("-id")


def day(field: str, text: str) -> date | None:
    """A date in the form of ISO 8601, None for empty text. Raises BadQuestion."""
    try:
        found = date.fromisoformat(text) if text else None
        if found and not 1970 <= found.year <= 9000:
            raise ValueError(text)
    except ValueError as error:
        raise BadQuestion(field, "A date is written 2026-01-31.") from error
    return found


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _about(subject: str) -> Q:
    """Entries about a version, or about all versions of an artifact. Raises BadQuestion."""
    try:
        if "@" in subject:
            versions = [lookup.find(subject, drafts=True).pk]
        else:
            artifact = lookup.find_artifact(subject)
            versions = list(artifact.versions.values_list("pk", flat=True)[:MOST])
    except (lookup.NotFound, lookup.Ambiguous, UnknownKind) as error:
        raise BadQuestion("subject", str(error)) from error
    wanted = Q(object_type=Version.ledger_type, object_id__in=[str(key) for key in versions])
    for model in {one.model for one in decisions.known().values()} - {Version}:
        if path := _path_to_version(model):
            keys = _keys(model, path, versions)
            wanted |= Q(object_type=model.ledger_type, object_id__in=keys)
    return wanted


def _keys(model: Any, path: str, versions: list[Any]) -> list[str]:
    rows = model._base_manager.filter(**{f"{path}__in": versions}).values_list("pk", flat=True)
    return [str(key) for key in rows[:MOST]]


def _path_to_version(model: type[Model]) -> str | None:
    """The field by which rows of `model` name the version that they are about."""
    return next(
        (
            field.name
            for field in model._meta.concrete_fields
            if field.related_model is Version and not field.null
        ),
        None,
    ) or next((field.name for field in model._meta.concrete_fields if field.related_model is Version), None)
