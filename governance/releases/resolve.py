"""What answered at a runtime at a moment, as the ledger's entries say it: rows only say where to look."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from governance.ledger.append import timestamp
from governance.ledger.models import Entry
from governance.registry.access import may_read
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.releases.components import components_of, identity_from, pinned
from governance.releases.models import Runtime, ServingPeriod
from governance.reviews.models import Review

LATE = timedelta(minutes=10)
"""How much later than its row's time an entry may stand; a transaction never takes as long."""
EARLIEST = datetime.min.replace(tzinfo=UTC) + LATE
ZONED = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$", re.IGNORECASE)
LAYER = ("constitution", "policies", "filters", "system_prompt")


@dataclass(frozen=True)
class Served:
    """One release that answered at the moment asked for."""

    period: ServingPeriod
    said: dict[str, Any]
    """The public state of the period in its entry of then."""
    entries: tuple[tuple[str, Entry], ...]
    """(what it shows, entry): the start, the approvals, and the end where one came later."""
    approvals: tuple[Review, ...]
    parts: dict[str, Any] | None
    """What the identity was taken over; None where this person may not read all of it, or it is gone."""
    hidden: str
    """Why `parts` is None."""

    @property
    def version(self) -> Version:
        return self.period.version

    def named(self) -> dict[str, Any]:
        """Model, policy layer and deployment configuration, as the release pins them."""
        pins: dict[str, list[dict[str, str]]] = defaultdict(list)
        for field, ref in pinned(self.version).values():
            pins[field].append({"subject": ref.subject, "digest": ref.digest})
        one = {field: found[0] for field, found in pins.items()}
        return {
            "model": one.get("model"),
            "policy_layer": {
                name: pins.get(name, []) if name in {"policies", "filters"} else one.get(name)
                for name in LAYER
            },
            "deployment": one.get("deployment"),
        }


def moment_of(text: str | None) -> datetime:
    """A moment from ISO 8601 text; now without one. Raises ContentError without a zone, for what is no time, and for the future."""
    if not text:
        return timezone.now().replace(microsecond=0)
    fault = "write a moment with its zone, such as 2026-03-01T12:00:00Z (in an address, + is written %2B)"
    if not ZONED.search(text.strip()):
        raise ContentError("question", [("at", fault)])
    try:
        found = parse_datetime(text.strip().upper())
        found = found and found.astimezone(UTC)
    except (ValueError, OverflowError):
        found = None
    if found is None or found.tzinfo is None:
        raise ContentError("question", [("at", fault)])
    if found > timezone.now():
        raise ContentError("question", [("at", "that is in the future; what will answer then is not known")])
    return found


def served_at(runtime: Runtime, moment: datetime, person: object) -> list[Served]:
    """Every release that answered at `runtime` at `moment`, the largest share first. `person` reads the parts."""
    periods = {str(one.pk): one for one in _candidates(runtime, moment)}
    entries: dict[str, list[Entry]] = defaultdict(list)
    rows = Entry.objects.filter(object_type=ServingPeriod.ledger_type, object_id__in=list(periods))
    for entry in rows.order_by("rev"):
        entries[entry.object_id].append(entry)
    then = {key: [one for one in found if one.at <= moment] for key, found in entries.items()}
    said = {key: _state(found[-1], periods[key]) for key, found in then.items() if found}
    serving = {key: state for key, state in said.items() if state["state"] == ServingPeriod.OPEN}
    approvals = _approvals([periods[key].version for key in serving])
    parts = _parts([periods[key].version for key in serving], person)
    found = []
    for key, state in serving.items():
        period = periods[key]
        reviews = approvals[period.version_id]
        cited = [("start", then[key][-1]), *(("approval", entry) for _, entry in reviews)]
        cited += [("end", one) for one in entries[key] if one.at > moment]
        known, hidden = parts[period.version_id]
        found.append(
            Served(period, state, tuple(cited), tuple(review for review, _ in reviews), known, hidden)
        )
    return sorted(found, key=lambda one: (-one.period.share, one.version.subject))


def told(runtime: Runtime, moment: datetime, served: Sequence[Served]) -> str:
    """In a sentence, what the answer is."""
    if not served:
        return f"Nothing is recorded to have answered at {runtime.slug} at {timestamp(moment)}."
    names = ", ".join(f"{one.version.subject} ({one.said['share']})" for one in served)
    return f"At {timestamp(moment)} answered at {runtime.slug}: {names}."


def _candidates(runtime: Runtime, moment: datetime) -> QuerySet[ServingPeriod]:
    lasting = Q(ended_at=None) | Q(ended_at__gt=max(moment, EARLIEST) - LATE)
    found = runtime.periods.filter(lasting, started_at__lte=moment)
    return found.select_related("version__artifact", "runtime")


def _state(entry: Entry, period: ServingPeriod) -> dict[str, Any]:
    """What the entry's public part says; the row's own words where that part was erased."""
    part = (entry.parts or {}).get("P")
    found: dict[str, Any] = json.loads(part["payload"])["state"] if part else period.ledger_state()["P"]
    return found


def _approvals(versions: Sequence[Version]) -> dict[Any, list[tuple[Review, Entry]]]:
    found: dict[Any, list[tuple[Review, Entry]]] = defaultdict(list)
    reviews = Review.objects.filter(version__in=versions, verdict=Review.APPROVE).select_related(
        "ledger_head"
    )
    for review in reviews.order_by("at"):
        found[review.version_id].append((review, review.ledger_head))
    return found


def _parts(versions: Sequence[Version], person: object) -> dict[Any, tuple[dict[str, Any] | None, str]]:
    named = components_of(versions)
    found: dict[Any, tuple[dict[str, Any] | None, str]] = {}
    for version in versions:
        held = [version, *(one.version for one in named[version.pk].values() if one.version)]
        try:
            if all(may_read(person, one) for one in held):
                found[version.pk] = (identity_from(version, named[version.pk]), "")
            else:
                found[version.pk] = (None, "A part is restricted.")
        except Refused as error:
            found[version.pk] = (None, str(error))
    return found
