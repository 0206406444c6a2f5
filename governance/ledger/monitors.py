"""What monitors tell of the log: each one's newest look, and an alarm for what it found, until it finds that no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.canonical import sha256_hex
from governance.ledger.events import LedgerEvent
from governance.ledger.models import Alarm, Ending, Monitor

MOST = 50
"""Monitors that report at a time."""
AHEAD = timedelta(minutes=10)
"""How far a monitor's clock may be ahead of ours."""
SILENT_AFTER = 3
"""Announced looks that a monitor may miss."""


class NotAccepted(Exception):
    """A report, or the end of a monitor, that cannot be taken so. The message says why and what to do next."""


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
    seen = {"reporter": reporter, "at": look.at, "heard": now, "every": look.every, "size": look.size}
    # Of two first reports at once, one makes the row and the other finds it, once the first has committed.
    monitor, first = Monitor.objects.select_for_update().get_or_create(name=name, defaults=seen)
    if first or monitor.ending_id:
        _refuse_more(monitor)
    else:
        _refuse_another(monitor, look, reporter)
    monitor.ending = None
    for field, value in seen.items():
        setattr(monitor, field, value)
    monitor.save(update_fields=[*seen, "ending"])
    _raise_and_end(monitor, look.findings)
    return monitor


@transaction.atomic
def end(name: str, *, reason: str, actor: Actor) -> Monitor:
    """Expect nothing more of a monitor, and end its alarms, with an entry that says which, who and why.

    Nothing happens to one that is ended already. Raises NotAccepted without a reason, and Monitor.DoesNotExist.
    """
    if not reason.strip():
        raise NotAccepted("Say why the monitor is ended; the reason is logged.")
    monitor = Monitor.objects.select_for_update().get(name=name)
    if monitor.ending_id:
        return monitor
    wrong = sorted(alarms(monitor))
    ending = Ending(name=name, reason=reason.strip(), by=str(actor.handle), at=timezone.now())
    append(
        ending,
        op=LedgerEvent.MONITOR_ENDED,
        actor=actor,
        # The sentences are for people who signed in; by its digest, whoever has one sees that it was silenced.
        summary={"P": {"alarms": [sha256_hex(one.encode()) for one in wrong]}, "I": {"alarms": wrong}},
    )
    monitor.ending = ending
    monitor.save(update_fields=["ending"])
    Alarm.objects.filter(source=str(monitor), over=None).update(over=ending.at, ending=ending)
    return monitor


def silent(monitor: Monitor) -> bool:
    """Whether it missed so many looks that somebody should see why."""
    due = monitor.heard + SILENT_AFTER * timedelta(seconds=monitor.every)
    return monitor.ending_id is None and timezone.now() > due


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


def _refuse_more(monitor: Monitor) -> None:
    if Monitor.objects.filter(ending=None).exclude(pk=monitor.pk).count() >= MOST:
        raise NotAccepted(f"{MOST} monitors report already; an administrator must end one first.")


def _raise_and_end(monitor: Monitor, findings: Sequence[str]) -> None:
    known = set(alarms(monitor))
    gone = known - set(findings)
    Alarm.objects.filter(source=str(monitor), over=None, sentence__in=gone).update(over=timezone.now())
    Alarm.objects.bulk_create(
        Alarm(source=str(monitor), sentence=one) for one in dict.fromkeys(findings) if one not in known
    )
