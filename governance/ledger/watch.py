"""Who watches this log, and whether all is well: what the pages, the API and `/readyz` show, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from governance.ledger import cosigning, keys, monitors, publish
from governance.ledger.models import Alarm, Checkpoint, Entry, Head, Monitor, SigningKey, Timestamp
from governance.ledger.note import NoteError
from governance.ledger.policy import LogKey, Policy

UNSIGNED = timedelta(minutes=1)
"""After this an entry should long be signed: sequencer and signer take a second."""
OPEN, PAST, STAMPS, ENDED = 50, 20, 5, 10
"""How many open alarms, past alarms, timestamps and ended monitors are told; the newest."""
UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True)
class Trouble:
    """Something that somebody should look at: whose it is, what it is in two words or three, and the whole sentence."""

    source: str
    what: str
    sentence: str


@dataclass(frozen=True)
class Backlog:
    """How far sequencer and signer are behind: entries without a place, without a signature, and since when."""

    newest: Checkpoint | None
    pending: int
    unsigned: int
    oldest: datetime | None

    @property
    def late(self) -> bool:
        return self.oldest is not None and timezone.now() - self.oldest > UNSIGNED


@dataclass(frozen=True)
class Key:
    """A key of the log, with the sizes that it may sign, and whether it is active, retired or compromised."""

    key: LogKey
    state: str


@dataclass(frozen=True)
class Glance:
    """What tells whether all is well. Without a readable policy there are no witnesses, and `unreadable` says why."""

    backlog: Backlog
    policy: Policy | None
    unreadable: str
    witnesses: list[cosigning.Standing]
    cosigned: int
    """Witnesses of the policy that have cosigned the newest checkpoint; 0 also where that does not hold."""
    refused: str
    """Why the policy's own keys do not accept the newest checkpoint; empty where they do."""
    alarms: list[Alarm]
    """Open ones, at most OPEN of them: the witnesses' first, each source's newest first."""
    monitors: list[Monitor]
    """Those that are expected to report."""

    @property
    def quorum(self) -> int:
        return self.policy.quorum if self.policy else 0

    @property
    def meets_quorum(self) -> bool:
        """Whether everybody who has the policy accepts the newest checkpoint: none that is unsigned, or by an unread policy."""
        known = self.policy is not None and self.backlog.newest is not None
        return known and not self.refused and self.cosigned >= self.quorum

    @property
    def watched(self) -> bool:
        """Whether anybody outside looks at all."""
        return bool(self.witnesses or self.monitors)

    def troubles(self) -> list[Trouble]:
        """What is wrong, alarms first; empty when all is well."""
        return [*(Trouble(one.source, _found(one), one.sentence) for one in self.alarms), *self.delays()]

    def delays(self) -> list[Trouble]:
        """What is late, stale or silent, or lacks a cosignature: seen here, while alarms are what others say."""
        return [
            *self._of_the_policy(),
            *self._of_the_checkpoint(),
            *(_late(one) for one in self.witnesses if one.late),
            *(_silence(one) for one in self.monitors if monitors.silent(one)),
        ]

    def _of_the_policy(self) -> list[Trouble]:
        if not self.unreadable:
            return []
        sentence = f"This server cannot read the log's policy, so it knows neither witnesses nor quorum: {self.unreadable}."
        return [Trouble("policy", "cannot be read", sentence)]

    def _of_the_checkpoint(self) -> list[Trouble]:
        newest, found = self.backlog.newest, []
        if self.refused:
            found.append(
                Trouble(
                    "checkpoint",
                    "does not hold",
                    f"The newest checkpoint does not hold under the log's own policy: {self.refused}.",
                )
            )
        if self.backlog.late:
            sentence = f"Entries wait for a signature since {self.backlog.oldest:%F %T} UTC: the sequencer or the signer does not run."
            found.append(Trouble("checkpoint", "is stale", sentence))
        if newest and not self.refused and self.cosigned < self.quorum and _old(newest):
            sentence = (
                f"{self.cosigned} of the {self.quorum} witnesses needed have cosigned {newest}, which is older than"
                f" {cosigning.LATE.seconds // 60} minutes; until they do, nobody outside is shown it."
            )
            found.append(Trouble("checkpoint", "lacks cosignatures", sentence))
        return found


@dataclass(frozen=True)
class Watch(Glance):
    """All that is known of who watches."""

    keys: list[Key]
    timestamps: list[Timestamp]
    open: int
    """How many alarms are open."""
    past: list[Alarm]
    ended: list[Monitor]


def backlog() -> Backlog:
    """Where sequencer and signer stand."""
    newest = Checkpoint.objects.order_by("-size").first()
    placed = Head.objects.values_list("size", flat=True).first() or 0
    waiting = Entry.objects.filter(leaf_index__isnull=True)
    pending, signed = waiting.count(), newest.size if newest else 0
    oldest = (waiting if pending else Entry.objects.filter(leaf_index__gte=signed)).order_by("id").first()
    return Backlog(newest, pending, max(0, placed - signed), oldest.at if oldest else None)


def glance() -> Glance:
    """Whether all is well now, and no more than that needs."""
    behind = backlog()
    policy, unreadable = _policy()
    cosigned, refused = _cosigned(policy, behind.newest)
    return Glance(
        backlog=behind,
        policy=policy,
        unreadable=unreadable,
        witnesses=cosigning.standings(policy, behind.newest) if policy else [],
        cosigned=cosigned,
        refused=refused,
        alarms=list(_open()[:OPEN]),
        monitors=list(Monitor.objects.filter(ending=None)[: monitors.MOST]),
    )


def look() -> Watch:
    """The watch as it stands now."""
    seen = glance()
    past, ended = Alarm.objects.filter(over__isnull=False), Monitor.objects.filter(ending__isnull=False)
    return Watch(
        **vars(seen),
        keys=_keys(seen.policy),
        timestamps=list(Timestamp.objects.defer("token").order_by("-at")[:STAMPS]),
        open=_open().count() if len(seen.alarms) == OPEN else len(seen.alarms),
        past=list(past.select_related("ending").order_by("-over")[:PAST]),
        ended=list(ended.select_related("ending").order_by("-ending__at")[:ENDED]),
    )


def _open() -> QuerySet[Alarm]:
    return Alarm.objects.filter(over=None).order_by("-source", "-since")


def _policy() -> tuple[Policy | None, str]:
    try:
        return keys.policy(), ""
    except keys.KeyUnavailable as error:
        return None, str(error)


def _cosigned(policy: Policy | None, newest: Checkpoint | None) -> tuple[int, str]:
    if policy is None or newest is None:
        return 0, ""
    try:
        return len(replace(policy, quorum=0).open(publish.cosigned_note(newest)).cosigned), ""
    except NoteError as error:
        return 0, str(error)


def _keys(policy: Policy | None) -> list[Key]:
    states = dict(SigningKey.objects.values_list("vkey", "state"))
    return [Key(one, states.get(one.key.text, SigningKey.ACTIVE)) for one in policy.log] if policy else []


def _old(checkpoint: Checkpoint) -> bool:
    return timezone.now() - checkpoint.at > cosigning.LATE


def _found(alarm: Alarm) -> str:
    return "disagrees" if alarm.source.startswith("witness ") else "found something wrong"


def _late(standing: cosigning.Standing) -> Trouble:
    name = standing.witness.key.name
    return Trouble(f"witness {name}", "is late", f"{name} {standing.trouble}.")


def _silence(monitor: Monitor) -> Trouble:
    every = in_words(monitor.every)
    return Trouble(
        str(monitor),
        "is silent",
        f"{monitor.name} reported last at {monitor.heard:%F %T} UTC, although it said that it looks every {every}.",
    )


def in_words(seconds: int) -> str:
    """A length of time in its largest whole unit, to come after "every": "5 minutes", "day"."""
    unit, size = next(one for one in UNITS if seconds % one[1] == 0)
    return unit if seconds == size else f"{seconds // size} {unit}s"
