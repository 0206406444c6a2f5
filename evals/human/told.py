"""What doors tell of a study. While it is open, nothing of the results, and of the models only to whoever opened it."""

from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from evals.models import Judgement, Rater, Study
from governance.people.models import User
from governance.registry.access import may_read, require_read
from governance.registry.actions import Refused
from governance.registry.models import Version, stamp

FIGURES = (
    "judgements", "raters", "items", "skips", "counts", "wins", "agreement", "groups", "position", "lengths",
)  # fmt: skip
"""Parts of the activity's summary that evals.human.figures made."""


def studies() -> QuerySet[Study]:
    """Studies, newest first, each with `given` (judgements that count) and `taking_part`: one query for all."""
    given = Judgement.objects.filter(study=OuterRef("pk")).exclude(choice="skip")
    raters = Rater.objects.filter(study=OuterRef("pk"))
    return (
        Study.objects.select_related(*Study.NAMED, "activity")
        .annotate(given=_number_of(given), taking_part=_number_of(raters))
        .annotate(wanted=F("items") * F("needed"))
        .order_by("-opened_at", "id")
    )


def _number_of(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("study").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def knows_the_models(study: Study, user: User) -> bool:
    """Whether this person may be told which models are compared: everybody once it is closed, before that who opened it."""
    return study.state == Study.CLOSED or study.opened_by == user.account.handle


def reads_entries(user: User, key: str) -> bool:
    """Whether this person may see more of a study's entries than their public part, which says nothing of its models."""
    study = Study.objects.filter(pk=key).first()
    return study is not None and knows_the_models(study, user)


def told(study: Study, user: User) -> dict[str, Any]:
    """A study of `studies()` as the API and the command tell it."""
    return {
        "id": str(study.pk), "title": study.title, "state": study.state, "question": study.question,
        "suite": study.suite.subject, "pool": study.pool.subject, "guideline": study.guideline.subject,
        "dimension": study.dimension or None, "items": study.items, "needed": study.needed, "margin": study.margin,
        "judgements": study.given, "wanted": study.wanted, "raters": study.taking_part,  # type: ignore[attr-defined]
        "reason": study.reason or None, "opened_by": study.opened_by, "opened_at": stamp(study.opened_at),
        "ended_at": stamp(study.ended_at), "activity": str(study.activity_id) if study.activity_id else None,
        "models": models(study) if knows_the_models(study, user) else None,
        "results": results(study, user),
    }  # fmt: skip


def models(study: Study) -> dict[str, str]:
    return {"a": study.model_a.subject, "b": study.model_b.subject}


def may_see_results(study: Study, user: User) -> bool:
    """Whether this person may read what was compared; as for an evaluation, no figure is for others."""
    return all(may_read(user, version) for version in _compared(study))


def require_results(study: Study, user: User) -> str:
    """The digest of a closed study's judgements. Raises Refused before it is closed, PermissionDenied for whoever may not
    read what was compared."""
    if study.state != Study.CLOSED or study.activity is None:
        raise Refused(f"{study.title} is {study.state}; only a closed study shows its judgements.")
    for version in _compared(study):
        require_read(user, version)
    return str(study.activity.summary["judgements_sha256"])


def _compared(study: Study) -> tuple[Version, ...]:
    return study.model_a, study.model_b, study.suite


def results(study: Study, user: User) -> dict[str, Any] | None:
    """The figures of a closed study, or None before that and for whoever may not see them."""
    if study.state != Study.CLOSED or study.activity is None or not may_see_results(study, user):
        return None
    summary = study.activity.summary
    return {name: summary[name] for name in ("complete", "closed_early", "judgements_sha256", *FIGURES)}


def closed_with(version_id: object) -> QuerySet[Study]:
    """Closed studies in which that model was compared, newest first."""
    one_of_them = Q(model_a=version_id) | Q(model_b=version_id)
    return studies().filter(one_of_them, state=Study.CLOSED)
