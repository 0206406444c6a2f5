"""The decisions register: which event kinds are decisions, and what each entry says of who decided what, and why.

Rooms register their event kinds when they load. A row is read from the entry's own body and public part, so it can be proven;
who was asked before, and who was against it, comes from what people said about the same version until then.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from governance.ledger.canonical import loads
from governance.ledger.events import EventKind
from governance.ledger.models import Auditable, Entry
from governance.registry.models import Version

HIGH, MEDIUM, LOW = IMPACTS = ("high", "medium", "low")
HIGH_KINDS = frozenset(
    {"constitution", "policy", "guideline", "reward-model", "release-policy", "release", "system-prompt",
     "safety-filter", "deployment"}
)  # fmt: skip
"""Kinds of versions that decide how a model behaves, or whether it goes out."""
ACTOR = re.compile(
    r"(?:demo )?(?P<kind>person|token|cli|system):(?P<name>\S+)(?: for person:(?P<behalf>\S+))?"
)
KINDS = {"person": "person", "token": "token", "cli": "command", "system": "system"}
SUBJECTS, REASONS = ("subject", "artifact", "runtime", "handle", "name", "vkey"), ("reason", "answer")
"""Keys of payloads that say what an entry is about, and why, the first that is there."""
SUBJECT = re.compile(r"([a-z-]+):([A-Za-z0-9._-]+)@([0-9]{1,9})")


@dataclass(frozen=True)
class Decides:
    """One kind of decision: its name, the model that its entries are about, the action that it needs (empty: none), and its
    impact class (empty: high for what decides how a model behaves or whether it goes out, else medium). `reason` is the key of
    the reason where a row gathers several."""

    label: str
    model: type[Auditable]
    action: str = ""
    impact: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """One decision. `entry` is the leaf index, None until the entry has its place."""

    key: int
    entry: int | None
    at: datetime
    op: str
    decision: str
    impact: str
    who: str
    acted_as: str
    subject: str
    digest: str
    reason: str
    consulted: tuple[str, ...] = ()
    dissent: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The row in JSON; times as the ledger writes them."""
        told = {name: getattr(self, name) for name in COLUMNS}
        lists = {"consulted": list(self.consulted), "dissent": list(self.dissent)}
        return {**told, "at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}", **lists}


COLUMNS = (
    "entry", "at", "op", "decision", "impact", "who", "acted_as", "subject", "digest", "reason", "consulted", "dissent",
)  # fmt: skip


class Voice(NamedTuple):
    """That somebody said something about a version; `entry` is the id of the entry that recorded it."""

    subject: str
    who: str
    entry: int
    dissent: bool


Voices = Callable[[Collection[Any]], Iterable[Voice]]
"""Ids of versions → what people said about them. One query, however many."""

_decides: dict[str, Decides] = {}
_voices: list[Voices] = []


def register(op: EventKind, decides: Decides) -> None:
    """Entries of this kind are decisions. Called in AppConfig.ready()."""
    _decides[str(op)] = decides


def register_voices(voices: Voices) -> None:
    """Ask `voices` who was heard about a version. Called in AppConfig.ready()."""
    if voices not in _voices:
        _voices.append(voices)


def known() -> dict[str, Decides]:
    """Event kind → what it decides, sorted by event kind."""
    return dict(sorted(_decides.items()))


def labels() -> list[str]:
    """The names of decisions, each once, sorted."""
    return sorted({one.label for one in _decides.values()})


def rows(entries: Sequence[Entry]) -> list[Row]:
    """The decisions that these entries record, in their order, with who was asked and who was against. A fixed number of queries."""
    read = [_row(entry) for entry in entries]
    heard = _heard({row.subject for row in read})
    return [_with_voices(row, heard.get(row.subject, [])) for row in read]


def bare(entries: Iterable[Entry]) -> list[Row]:
    """As `rows`, without consultation and dissent, for counting."""
    return [_row(entry) for entry in entries]


def who_of(actor: str) -> tuple[str, str]:
    """(handle, acted as) of an actor as entries write it; the handle of nobody is the part of Charter that acted."""
    found = ACTOR.fullmatch(actor)
    if found is None:
        return actor, "system"
    behalf = found["behalf"] or found["name"]
    return behalf, KINDS[found["kind"]]


def _row(entry: Entry) -> Row:
    decides = _decides[entry.op]
    state, summary = _public(entry)
    who, acted_as = who_of(entry.actor)
    subject = _first(state, summary, SUBJECTS)
    return Row(
        key=entry.pk,
        entry=entry.leaf_index,
        at=entry.at,
        op=entry.op,
        decision=decides.label,
        impact=decides.impact or _impact(subject),
        who=who,
        acted_as=acted_as,
        subject=subject,
        digest=_first(state, summary, ("digest",)),
        reason=_first(summary, state, (decides.reason,) if decides.reason else REASONS),
    )


def _public(entry: Entry) -> tuple[dict[str, Any], dict[str, Any]]:
    """State and summary of the entry's public part, of its internal one where it has no other; empty once that was erased."""
    part = entry.parts.get("P" if "P" in entry.parts else "I")
    payload = loads(part["payload"]) if part else {"state": {}, "summary": {}}
    return payload["state"], payload["summary"]


def _first(one: dict[str, Any], other: dict[str, Any], names: Sequence[str]) -> str:
    return next(
        (said[name] for name in names for said in (one, other) if isinstance(said.get(name), str)), ""
    )


def _impact(subject: str) -> str:
    return HIGH if subject.partition(":")[0] in HIGH_KINDS else MEDIUM


def _heard(subjects: Collection[str]) -> dict[str, list[Voice]]:
    ids = list(_versions(subjects))
    found: dict[str, list[Voice]] = {}
    for voices in _voices if ids else ():
        for voice in voices(ids):
            found.setdefault(voice.subject, []).append(voice)
    return found


def _versions(subjects: Collection[str]) -> Iterable[Any]:
    """Ids of the versions with these names."""
    named = {subject for subject in subjects if SUBJECT.fullmatch(subject)}
    slugs = {SUBJECT.fullmatch(subject)[2] for subject in named}  # type: ignore[index]
    found = Version.objects.filter(artifact__slug__in=slugs).select_related("artifact")
    return [
        version.pk
        for version in found.only("number", "artifact__kind", "artifact__slug")
        if version.subject in named
    ]


def _with_voices(row: Row, heard: Sequence[Voice]) -> Row:
    """Those heard before the decision, but for who decided; dissent counts whoever gave it, also in the decision itself."""
    before = [voice for voice in heard if voice.entry < row.key and voice.who != row.who]
    against = [voice.who for voice in before if voice.dissent]
    return Row(
        **{
            **vars(row),
            "consulted": tuple(sorted({voice.who for voice in before})),
            "dissent": tuple(sorted(set(against))),
        }
    )
