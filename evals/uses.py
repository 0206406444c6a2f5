"""Uses of suites for decisions: recorded by people and by what Charter sees, and what a suite's status is after them."""

from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from evals.events import EvalEvent
from evals.models import SuiteUse
from evals.stage import EVALUATED_ON
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry import search
from governance.registry.actions import Refused
from governance.registry.models import Activity, Version

ACTION = "evals:suite-use:record"
SUITE = "eval-suite"
BY_HAND = (SuiteUse.DATA, SuiteUse.RECIPE, SuiteUse.SNAPSHOT, SuiteUse.REPORT)
"""Purposes that a person may name; a gate's use is seen by Charter alone."""
DEV = "dev"
MAX_SERVED, MAX_REASON = 200, 10_000


class Status(NamedTuple):
    """How new a suite still is: `now` follows from its uses, `sealed_as` is what its content said (None: not known)."""

    now: str | None
    sealed_as: str | None
    choosing: int
    first: SuiteUse | None
    """The use by which it fell."""

    @property
    def fell(self) -> bool:
        return self.first is not None and self.sealed_as != DEV


def of_suite(suite: Version) -> QuerySet[SuiteUse]:
    """All uses of a suite, newest first."""
    return SuiteUse.objects.filter(suite=suite).select_related("ledger_head")


def status_of(suite: Version) -> Status:
    """What the suite counts as today: `dev` from the first data, recipe or snapshot decision that looked at it."""
    choosing = of_suite(suite).filter(purpose__in=SuiteUse.CHOOSING)
    first = choosing.order_by("ledger_head__id").first()
    sealed_as = (suite.content or {}).get("status")
    return Status(DEV if first else sealed_as, sealed_as, choosing.count(), first)


def status_behind(evaluation: Activity) -> Status | None:
    """The status of the suite that an evaluation was measured with."""
    suite = Version.objects.filter(usages__activity=evaluation, usages__role=EVALUATED_ON).first()
    return status_of(suite) if suite is not None else None


@transaction.atomic
def record(suite: Version, *, purpose: str, served: str, reason: str, actor: Actor) -> SuiteUse:
    """A person says what a suite was looked at for. Raises Refused."""
    if suite.kind != SUITE or not suite.is_sealed:
        what = f"a {suite.kind}" if suite.kind != SUITE else "a draft"
        raise Refused(f"{suite.subject} is {what}; only a sealed suite can have been looked at.")
    if purpose not in BY_HAND:
        raise Refused(f"purpose: {purpose!r} is none; write {', '.join(BY_HAND)}.")
    served, reason = served.strip(), reason.strip()
    _require_text("served", served, MAX_SERVED, "say which version, run or decision it served")
    _require_text("reason", reason, MAX_REASON, "say what was looked at, and what was decided")
    if not served.isprintable():
        raise Refused("served: it is one line of plain text, such as model:assistant@3.")
    return _written(suite, purpose, served, reason, automatic=False, cause="", actor=actor)


def note(
    suite: Version, *, purpose: str, served: str, reason: str, cause: str, actor: Actor
) -> SuiteUse | None:
    """What Charter saw, inside the caller's transaction; None when just this was noted before."""
    if SuiteUse.objects.filter(suite=suite, cause=cause).exists():
        return None
    return _written(suite, purpose, served[:MAX_SERVED], reason, automatic=True, cause=cause, actor=actor)


def _require_text(field: str, text: str, most: int, wanted: str) -> None:
    if not text:
        raise Refused(f"{field}: {wanted}.")
    if len(text) > most:
        raise Refused(f"{field}: it has {len(text):,} characters; at most {most:,} are kept.")


def _written(
    suite: Version, purpose: str, served: str, reason: str, *, automatic: bool, cause: str, actor: Actor
) -> SuiteUse:
    row = SuiteUse(
        suite=suite,
        digest=str(suite.digest),
        purpose=purpose,
        served=served,
        reason=reason,
        automatic=automatic,
        cause=cause,
        by=str(actor),
        at=timezone.now(),
    )
    append(row, op=EvalEvent.SUITE_USED, actor=actor)
    search.index(row)
    return row
