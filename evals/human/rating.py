"""What raters do: join a study, get the next pair, judge it. Rows without entries; the study's closing digests them.

Whoever made one of the models, or opened the study, does not rate it: they are not blind.
"""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from evals.human import pairs
from evals.human.actions import ended, locked
from evals.human.pairs import Pair
from evals.human.plan import groups_of, workers_of
from evals.human.sides import first_side, next_item
from evals.models import Assignment, Judgement, Rater, Study
from evals.models.judgements import CHOICES, REASONS
from governance.people.models import User
from governance.registry.access import may_read
from governance.registry.actions import Refused
from governance.registry.models import Version
from training.models import Run

RATE = "evals:study:rate"
LEASE = timedelta(minutes=15)
"""How long a pair waits for the rater who has it, before somebody else may get it."""


@dataclass(frozen=True)
class Shown:
    """A pair as a rater sees it: nothing in it tells which model answered what, nor which item of the suite it is."""

    token: str
    prompt: str
    choices: tuple[str, ...]
    first: str
    second: str
    until: datetime


def obstacle(study: Study, user: User) -> str | None:
    """Why this person may not rate the study, or None. It names no model."""
    return obstacle_for(study, user, makers((study.model_a, study.model_b)))


def obstacle_for(study: Study, user: User, made_by: Collection[str]) -> str | None:
    """As `obstacle`, for who knows already which handles made the two models."""
    handle = user.account.handle
    if study.state != Study.OPEN:
        return ended(study)
    if handle == study.opened_by:
        return "You opened this study and know what it compares; somebody else must rate (four eyes)."
    if handle in made_by:
        return "You took part in making one of the two models; somebody else must rate (four eyes)."
    if not all(may_read(user, version) for version in _read(study)):
        return "This study compares what only its authors, reviewers and auditors may read."
    return None


def makers(models: Collection[Version]) -> set[str]:
    """Handles of who registered one of the models, or asked for the run or the activity that made it."""
    asked = Run.objects.filter(activity__productions__version__in=models)
    return {*registered_by(models), *asked.values_list("requested_by", flat=True)}


def registered_by(models: Iterable[Version]) -> set[str]:
    """Handles of who registered or wrote one of the models."""
    return {handle for model in models for handle in (*model.authors, model.created_by)}


@transaction.atomic
def join(study: Study, user: User, group: str = "") -> Rater:
    """Take part; a second time is the same as once. Raises Refused."""
    row = locked(study)
    if why := obstacle(row, user):
        raise Refused(why)
    if before := row.raters.filter(account=user.account).first():
        return before
    known = groups_of(row.pool, row.dimension)
    if group and group not in known:
        raise Refused(
            f"The pool has no group {group!r}; it has {', '.join(known) or 'none'}. Or leave it open."
        )
    joined, workers = row.raters.count(), workers_of(row.pool)
    if workers is not None and joined >= workers:
        raise Refused(f"{row.pool.subject} has {workers} people, and so many take part already.")
    return Rater.objects.create(
        study=row, account=user.account, number=joined + 1, group=group, joined_at=timezone.now()
    )


@transaction.atomic
def take(study: Study, user: User) -> Shown | None:
    """The pair that the rater has, or else the next one; None when there is none for them now. Raises Refused."""
    row = locked(study)
    rater, now = _rater(row, user), timezone.now()
    # Whoever holds a pair keeps it while nobody else wants one: a slow reader loses nothing.
    row.assignments.filter(until__lt=now).exclude(rater=rater).delete()
    mine = row.assignments.filter(rater=rater).first()
    if mine is None:
        mine = _assigned(row, rater, now)
    elif mine.until < now:
        mine.until = now + LEASE
        mine.save(update_fields=["until"])
    return _shown(row, mine) if mine else None


@transaction.atomic
def judge(study: Study, user: User, *, token: str, choice: str, reason: str = "") -> Judgement:
    """Keep what the rater says of the pair with that token. Raises Refused; then nothing is kept."""
    row = locked(study)
    rater = _rater(row, user)
    if choice not in CHOICES:
        raise Refused(f"There is no choice {choice[:40]!r}; choices are {', '.join(CHOICES)}.")
    if choice == "skip" and reason not in REASONS:
        raise Refused(f"Say why you skip the pair: {', '.join(REASONS)}.")
    mine = row.assignments.filter(rater=rater, token=token).first()
    if mine is None:
        raise Refused(
            "This is not the pair that you have: it was judged before, or its time was over and somebody else got it. Nothing "
            "was recorded; go on with the next pair."
        )
    made = Judgement.objects.create(
        study=row, rater=rater, item=mine.item, slot=mine.slot, choice=choice, at=timezone.now(),
        first=first_side(row.items, row.seed, mine.item, mine.slot), reason=reason if choice == "skip" else "",
    )  # fmt: skip
    mine.delete()
    return made


def current(study: Study, user: User) -> Shown | None:
    """The pair that the rater has before them, without changing anything. Raises Refused."""
    rater = _rater(study, user)
    mine = study.assignments.filter(rater=rater).first()
    return _shown(study, mine) if mine else None


def progress(study: Study, user: User) -> tuple[int, int]:
    """How many pairs the rater has judged or skipped, and for how many of the others a rating is still wanted."""
    mine = set(study.judgements.filter(rater__account=user.account).values_list("item", flat=True))
    full = {item for item, ratings in _ratings(study).items() if ratings >= study.needed}
    return len(mine), study.items - len(mine | full)


def _rater(study: Study, user: User) -> Rater:
    """Raises Refused for whoever may not rate, or has not joined."""
    if why := obstacle(study, user):
        raise Refused(why)
    rater = study.raters.filter(account=user.account).first()
    if rater is None:
        raise Refused(f"You do not take part in {study.title} yet; join it first.")
    return rater


def _read(study: Study) -> list[Version]:
    return [study.model_a, study.model_b, study.suite, study.guideline]


def _ratings(study: Study) -> dict[int, int]:
    """Item → judgements that count."""
    counts = study.judgements.exclude(choice="skip").values("item").annotate(n=Count("id")).order_by()
    return {row["item"]: row["n"] for row in counts}


def _assigned(study: Study, rater: Rater, now: datetime) -> Assignment | None:
    """The next pair for this rater: the study's row is locked, so nobody else is given the same place."""
    ratings = _ratings(study)
    for held in study.assignments.values_list("item", flat=True):
        ratings[held] = ratings.get(held, 0) + 1
    done = set(rater.judgements.values_list("item", flat=True))
    wanted = {
        item: ratings.get(item, 0)
        for item in range(study.items)
        if item not in done and ratings.get(item, 0) < study.needed
    }
    chosen = next_item(wanted, study.seed, rater.number)
    if chosen is None:
        return None
    return Assignment.objects.create(
        rater=rater, study=study, item=chosen, slot=_free_slot(study, chosen), token=secrets.token_hex(16), until=now + LEASE
    )  # fmt: skip


def _free_slot(study: Study, item: int) -> int:
    """The lowest number that no judgement and no assignment of the item has."""
    taken = {
        *study.judgements.filter(item=item).values_list("slot", flat=True),
        *study.assignments.filter(item=item).values_list("slot", flat=True),
    }
    return next(slot for slot in range(len(taken) + 1) if slot not in taken)


def _shown(study: Study, mine: Assignment) -> Shown:
    pair: Pair = pairs.read(study.pairs_sha256)[mine.item]
    side = first_side(study.items, study.seed, mine.item, mine.slot)
    first, second = (pair.a, pair.b) if side == "a" else (pair.b, pair.a)
    return Shown(mine.token, pair.prompt, pair.choices, first, second, mine.until)
