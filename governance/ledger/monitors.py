"""What monitors tell of the log: each one's newest look, and an alarm for what it found, until it finds that no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from governance.ledger.models import Alarm, Monitor

MOST = 50
"""Monitors that report at a time."""
AHEAD = timedelta(minutes=10)
"""How far a monitor's clock may be ahead of ours."""
SILENT_AFTER = 3
"""Announced looks that a monitor may miss."""


class NotAccepted(Exception):
    """A report that cannot be taken now. The message says why and what to do next."""


@dataclass(frozen=True)
class Look:
    """One look at the log: when, how many entries it reached, how many seconds until the next, and what is wrong."""

    at: datetime
    size: int
    every: int
    findings: Sequence[str]


@transaction.atomic
def report(name: str, look: Look, *, reporter: str) -> Monitor:
    """Take in what the monitor `name` saw; `reporter` is the handle of the account that tells. Raises NotAccepted."""
    now = timezone.now()
    if look.at > now + AHEAD:
        raise NotAccepted(f"A look at {look.at:%F %T} UTC has yet to come; set that machine's clock.")
    monitor = Monitor.objects.select_for_update().filter(name=name).first()
    if monitor is None:
        monitor = Monitor(name=name)
    elif monitor.ended is None:
        _refuse_another(monitor, look, reporter)
    if monitor.pk is None or monitor.ended:
        _refuse_more()
    monitor.reporter, monitor.at, monitor.heard = reporter, look.at, now
    monitor.every, monitor.size = look.every, look.size
    monitor.ended, monitor.ended_by = None, ""
    monitor.save()
    _raise_and_end(monitor, look.findings)
    return monitor


@transaction.atomic
def end(name: str, *, by: str) -> Monitor:
    """Expect nothing more of a monitor, and end its alarms. Raises Monitor.DoesNotExist."""
    monitor = Monitor.objects.select_for_update().get(name=name)
    if monitor.ended is None:
        monitor.ended, monitor.ended_by = timezone.now(), by
        monitor.save(update_fields=["ended", "ended_by"])
        _raise_and_end(monitor, [])
    return monitor


def silent(monitor: Monitor) -> bool:
    """Whether it missed so many looks that somebody should see why."""
    due = monitor.heard + SILENT_AFTER * timedelta(seconds=monitor.every)
    return monitor.ended is None and timezone.now() > due


def alarms(monitor: Monitor) -> list[str]:
    """What it finds wrong at present."""
    return list(Alarm.objects.filter(source=str(monitor), over=None).values_list("sentence", flat=True))


def _refuse_another(monitor: Monitor, look: Look, reporter: str) -> None:
    if monitor.reporter != reporter:
        raise NotAccepted(f"{monitor.reporter} reports as {monitor.name}; give your monitor another name.")
    if look.at < monitor.at:
        raise NotAccepted(
            f"The look of {monitor.at:%F %T} UTC is known already; an older one changes nothing."
        )


def _refuse_more() -> None:
    if Monitor.objects.filter(ended=None).count() >= MOST:
        raise NotAccepted(f"{MOST} monitors report already; an administrator must end one first.")


def _raise_and_end(monitor: Monitor, findings: Sequence[str]) -> None:
    known = set(alarms(monitor))
    gone = known - set(findings)
    Alarm.objects.filter(source=str(monitor), over=None, sentence__in=gone).update(over=timezone.now())
    Alarm.objects.bulk_create(
        Alarm(source=str(monitor), sentence=one) for one in dict.fromkeys(findings) if one not in known
    )
