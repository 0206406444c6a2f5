"""The evaluations of all versions of a model artifact, as far as a reader may see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Prefetch

from evals.records import KIND, MOST
from evals.stage import EVALUATED, EVALUATED_ON
from governance.registry.access import may_read
from governance.registry.models import Activity, Artifact, Usage

SPREAD = Decimal("0.6")
"""Part of the space between two versions over which the evaluations of one lie."""
APART = Decimal("0.15")


@dataclass(frozen=True)
class Evaluated:
    """An ended evaluation: of version `number` of the artifact, on `suite`; `results` as the summary has them."""

    id: UUID
    number: int
    subject: str
    suite: str
    at: datetime
    results: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class History:
    """Evaluations by version and time. `withheld` are of restricted versions; `more` says that older ones are not read."""

    evaluations: Sequence[Evaluated]
    withheld: int
    more: bool


def history_of(artifact: Artifact, user: object) -> History:
    """The newest MOST ended evaluations of the artifact's versions, in three queries. Left out are those of a model or a suite
    that `user` may not read: an evaluation's own page is closed to them too."""
    used = Usage.objects.select_related("version__artifact").defer("version__content")
    found = (
        Activity.objects.filter(
            kind=KIND,
            state=Activity.ENDED,
            usages__in=Usage.objects.filter(role=EVALUATED, version__artifact=artifact),
        )
        .order_by("-ended_at", "-id")
        .prefetch_related(Prefetch("usages", used))
    )
    newest = list(found[: MOST + 1])
    shown = [one for one in newest[:MOST] if all(may_read(user, use.version) for use in one.usages.all())]
    rows = sorted((_evaluated(one) for one in shown), key=lambda one: (one.number, one.at))
    return History(rows, len(newest[:MOST]) - len(shown), len(newest) > MOST)


def _evaluated(activity: Activity) -> Evaluated:
    by_role = {use.role: use.version for use in activity.usages.all()}
    model, suite = by_role[EVALUATED], by_role[EVALUATED_ON]
    return Evaluated(
        activity.pk,
        model.number,
        model.subject,
        suite.subject,
        activity.ended_at or activity.started_at,
        activity.summary.get("results", []),
    )


def places(numbers: Sequence[int]) -> list[str]:
    """Where each evaluation stands on an axis of version numbers: those of one version side by side around its number."""
    found, seen = [], dict.fromkeys(numbers, 0)
    for number in numbers:
        count = numbers.count(number)
        step = min(APART, SPREAD / count)
        offset = (seen[number] - Decimal(count - 1) / 2) * step
        found.append(format((number + offset).quantize(Decimal("0.001")).normalize(), "f"))
        seen[number] += 1
    return found
