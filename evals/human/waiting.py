"""Open studies in which somebody has something left to rate: on the first page, in as many queries for many as for one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db.models import Count, F
from django.http import HttpRequest

from evals.human import rating, told
from evals.human.plan import workers_of
from evals.models import Judgement, Rater, Study
from governance.people.models import User
from governance.people.permissions import may
from governance.views.panels import Panel
from training.models import Run

LOOKED_AT = 50
"""Open studies that are looked at, the newest."""
SHOWN = 10
UNREAD = tuple(f"{name}__content" for name in ("model_a", "model_b", "suite", "guideline"))


class Waiting(NamedTuple):
    """A study of `told.studies()`, and the pairs that this person may still judge in it."""

    study: Study
    left: int
    takes_part: bool


def panel(request: HttpRequest) -> Panel | None:
    """What waits for this person to rate; nothing for whoever may not rate, or has nothing left."""
    user = request.user
    if not isinstance(user, User) or not may(user, rating.RATE):
        return None
    found = waiting_for(user)
    context = {"waiting": found[:SHOWN], "more": max(0, len(found) - SHOWN)}
    return Panel("evals/panel_home_human.html", context) if found else None


def waiting_for(user: User) -> list[Waiting]:
    """Of the newest open studies those with pairs left for `user`, in which they may take part; newest first."""
    rows = told.studies().filter(state=Study.OPEN).exclude(opened_by=user.account.handle).defer(*UNREAD)
    studies = list(rows[:LOOKED_AT])
    if not studies:
        return []
    asked_for = _made_for(user, studies)
    mine = Rater.objects.filter(account=user.account, study__in=studies)
    joined = set(mine.values_list("study", flat=True))
    closed = _closed_to(user, studies)
    found = [Waiting(one, one.items - len(closed[one.pk]), one.pk in joined) for one in studies]
    return [one for one in found if one.left > 0 and _may_rate(one, user, asked_for)]


def _may_rate(one: Waiting, user: User, asked_for: set[object]) -> bool:
    study, workers = one.study, workers_of(one.study.pool)
    if asked_for & {study.model_a_id, study.model_b_id}:
        return False
    if rating.obstacle_for(study, user, rating.registered_by((study.model_a, study.model_b))):
        return False
    taking_part: int = study.taking_part  # type: ignore[attr-defined]
    return one.takes_part or workers is None or taking_part < workers


def _made_for(user: User, studies: Sequence[Study]) -> set[object]:
    """Which of the compared models came out of runs that this person asked for."""
    models = {model for study in studies for model in (study.model_a_id, study.model_b_id)}
    runs = Run.objects.filter(requested_by=user.account.handle, activity__productions__version__in=models)
    return set(runs.values_list("activity__productions__version", flat=True))


def _closed_to(user: User, studies: Sequence[Study]) -> Mapping[object, set[int]]:
    """Study → items that this person has judged or skipped, and those that have all their ratings."""
    given = Judgement.objects.filter(study__in=studies).order_by()
    full = given.exclude(choice="skip").values("study", "item", "study__needed").annotate(n=Count("id"))
    found: defaultdict[object, set[int]] = defaultdict(set)
    for rows in (
        given.filter(rater__account=user.account).values_list("study", "item"),
        full.filter(n__gte=F("study__needed")).values_list("study", "item"),
    ):
        for study, item in rows:
            found[study].add(item)
    return found
