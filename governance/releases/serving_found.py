"""What runtimes have to show: the runtime of a name, what is wrong there, and what is wrong anywhere."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from governance.ledger.keepable import unkeepable
from governance.registry import states
from governance.registry.lookup import NotFound
from governance.registry.models import stamp
from governance.releases import drift, serving_rules, waivers_held
from governance.releases.models import DriftAlarm, Emergency, Runtime, RuntimeReport, ServingPeriod

LOOKED_AT = 200
"""Open periods, alarms and emergencies that the first page looks at, of each the newest."""


@dataclass
class Watched:
    """One runtime, and what is open there."""

    runtime: Runtime
    periods: list[ServingPeriod] = field(default_factory=list)
    alarms: list[DriftAlarm] = field(default_factory=list)
    emergencies: list[Emergency] = field(default_factory=list)
    report: RuntimeReport | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def silent_since(self) -> object:
        due = drift.silent_since(self.runtime, self.report.at if self.report else None)
        return due if self.periods else None

    def sentences(self) -> list[str]:
        """What is wrong there, the worst first."""
        slug = self.runtime.slug
        overdue = [one for one in self.emergencies if one.overdue]
        waiting = [one for one in self.emergencies if not one.overdue]
        found = [f"{slug} still answers with {fault}" for fault in self.faults]
        found += [
            f"{one.kind.capitalize()} at {slug} by {one.by} waits for a review since {stamp(one.at)}: overdue."
            for one in overdue
        ]
        found += [
            f"{one.kind.capitalize()} at {slug} by {one.by} waits for a review until {stamp(one.due_at)}."
            for one in waiting
        ]
        found += [
            f"{slug} reports the identity {one.reported[:12]}…, which nothing that serves there has."
            for one in self.alarms
        ]
        if due := self.silent_since:
            found.append(f"{slug} has been silent since {stamp(due)}.")
        return found


def runtime(slug: str) -> Runtime:
    """The runtime of that name. Raises NotFound with the nearest names."""
    # PostgreSQL cannot even be asked for what cannot be kept.
    found = None if unkeepable(slug) else Runtime.objects.filter(slug=slug[:200]).first()
    if found is None:
        near = difflib.get_close_matches(
            slug[:200], Runtime.objects.values_list("slug", flat=True)[:1000], n=3
        )
        raise NotFound(
            f"There is no runtime {slug[:80]!r}." + (f" Did you mean {' or '.join(near)}?" if near else "")
        )
    return found


def trouble(one: Runtime) -> list[str]:
    """What is wrong at one runtime now, in sentences."""
    return watched([one])[0].sentences()


def watched(runtimes: Sequence[Runtime]) -> list[Watched]:
    """These runtimes with what is open there, in as many queries for all as for one."""
    found = {one.pk: Watched(one) for one in runtimes}
    periods = ServingPeriod.objects.filter(runtime__in=runtimes, state=ServingPeriod.OPEN)
    for period in periods.select_related("version__artifact", "runtime").order_by("started_at", "id"):
        found[period.runtime_id].periods.append(period)
    for alarm in DriftAlarm.objects.filter(runtime__in=runtimes, state=DriftAlarm.OPEN).select_related(
        "runtime"
    ):
        found[alarm.runtime_id].alarms.append(alarm)
    for emergency in Emergency.objects.filter(runtime__in=runtimes, state=Emergency.OPEN).select_related(
        "runtime"
    ):
        found[emergency.runtime_id].emergencies.append(emergency)
    for report in RuntimeReport.objects.filter(runtime__in=runtimes):
        found[report.runtime_id].report = report
    versions = {period.version_id: period.version for one in found.values() for period in one.periods}
    faults = serving_rules.fallen(list(versions.values()))
    for key, why in waivers_held.over(versions.values()).items():
        faults.setdefault(key, []).append(why)
    for one in found.values():
        one.faults = [
            f"{period.version.subject}: {' '.join(faults[period.version_id])}"
            for period in one.periods
            if period.version_id in faults
        ]
    return list(found.values())


def everywhere() -> list[Watched]:
    """Runtimes where something is wrong; open alarms and emergencies count also where the runtime is retired."""
    standing = ServingPeriod.objects.filter(state=ServingPeriod.OPEN)
    looked_at = (
        DriftAlarm.objects.filter(state=DriftAlarm.OPEN),
        Emergency.objects.filter(state=Emergency.OPEN),
        standing.filter(version__state__in=states.WITHDRAWN),
        standing,
    )
    keys = {key for rows in looked_at for key in rows.values_list("runtime", flat=True)[:LOOKED_AT]}
    return [one for one in watched(list(Runtime.objects.filter(pk__in=keys))) if one.sentences()]


def now_serving(version_id: UUID) -> list[ServingPeriod]:
    """The newest periods of one release, those that last first."""
    rows = ServingPeriod.objects.filter(version=version_id).select_related("runtime", "version__artifact")
    return list(rows.order_by("-state", "-started_at", "id")[:LOOKED_AT])
