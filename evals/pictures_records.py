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
from governance.registry.models import Activity, Artifact, Usage, Version

SPREAD = Decimal("0.6")
"""Part of the space between two versions over which the evaluations of one lie."""
APART = Decimal("0.15")
SETTINGS = ("chat_template_sha256", "system_instruction_sha256")


@dataclass(frozen=True)
class Evaluated:
    """An ended evaluation: of version `number` of the artifact, on `suite`; `results` as the summary has them, and of the
    settings those that must be the same for two evaluations to be like for like."""

    id: UUID
    number: int
    subject: str
    suite: str
    at: datetime
    results: Sequence[Mapping[str, Any]]
    settings: tuple[str, ...] = ()
    items_sha256: str = ""
    """Digest of its items; empty where it kept none."""


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


def of_version(model: Version, suite: Version) -> list[Evaluated]:
    """The newest MOST ended evaluations of one model on one suite, oldest first, in two queries."""
    used = Usage.objects.select_related("version__artifact").defer("version__content")
    found = (
        Activity.objects.filter(kind=KIND, state=Activity.ENDED)
        .filter(usages__in=Usage.objects.filter(role=EVALUATED, version=model))
        .filter(usages__in=Usage.objects.filter(role=EVALUATED_ON, version=suite))
        .order_by("-ended_at", "-id")
        .prefetch_related(Prefetch("usages", used))
    )
    return [_evaluated(one) for one in reversed(found[:MOST])]


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
        tuple(f"{name} {activity.summary.get(name)}" for name in SETTINGS),
        str(activity.summary.get("items_sha256") or ""),
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
