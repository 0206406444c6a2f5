"""What must hold before a release may answer somewhere."""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from governance.ledger.decimals import decimal_text
from governance.registry import erasure, states
from governance.registry.actions import Refused, check_slug
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.releases.components import components_of
from governance.releases.models import Runtime, ServingPeriod
from governance.reviews import conditions

WHOLE = Decimal(1)
PLACES = 6
"""Decimals that a share may have."""
MOST_OPEN = 50
"""Releases that may answer at one runtime at once."""
MAX_REASON = 10_000
MAX_LINE = 200
MAX_INTERVAL = 366 * 86_400
_SHARE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,12})?")


def share_of(given: Any) -> Decimal:
    """A share of the requests as an exact decimal in (0, 1] with at most six places. Raises ContentError that names `share`."""
    text = str(given).strip()
    try:
        share = Decimal(text) if _SHARE.fullmatch(text) else None
    except InvalidOperation:
        share = None
    if share is None or not 0 < share <= WHOLE:
        raise ContentError("period", [("share", "write a decimal above 0 and at most 1, such as 0.05")])
    if -int(share.normalize().as_tuple().exponent) > PLACES:
        raise ContentError("period", [("share", f"write at most {PLACES} decimals")])
    return share


def check_words(what: str, **given: str) -> None:
    """Raise ContentError naming each of these texts that is empty or too long. `reason` and `note` may be long."""
    faults = []
    for field, text in given.items():
        most = MAX_REASON if field in {"reason", "note"} else MAX_LINE
        if not text.strip():
            faults.append((field, "say it in words; it is logged"))
        elif len(text) > most:
            faults.append((field, f"write at most {most:,} characters"))
    if faults:
        raise ContentError(what, faults)


def check_runtime(slug: str, title: str, kind: str, audience: str, report_every: int | None) -> None:
    """Raise ContentError or Refused for a runtime that cannot be made so."""
    check_slug(slug)
    check_words("runtime", title=title, audience=audience)
    if kind not in Runtime.KINDS:
        raise ContentError("runtime", [("kind", f"write one of {', '.join(Runtime.KINDS)}")])
    if report_every is not None and not 1 <= report_every <= MAX_INTERVAL:
        raise ContentError("runtime", [("report_every", f"write 1 to {MAX_INTERVAL:,} seconds")])


def why_not(version: Version) -> list[str]:
    """Sentences that say why `version` may not begin to answer anywhere now; none when it may."""
    if version.kind != "release":
        return [f"{version.subject} is a {version.kind}; what answers somewhere is a release."]
    if version.state != states.APPROVED:
        return [
            f"{version.subject} is {version.state.replace('_', ' ')}; only an approved release may begin to answer."
        ]
    if version.content is None:
        return [erasure.told(version)]
    return conditions.obstacles(version)


def why_no_room(runtime: Runtime, share: Decimal) -> str | None:
    """Why `share` more of the requests cannot be given away at `runtime`, which the caller has locked; None when it can."""
    if runtime.state != Runtime.ACTIVE:
        return f"The runtime {runtime.slug} is retired."
    # Added here: SQLite would add fractions in floats.
    shares = list(runtime.periods.filter(state=ServingPeriod.OPEN).values_list("share", flat=True))
    if len(shares) >= MOST_OPEN:
        return f"{MOST_OPEN} releases answer at {runtime.slug}; end one first."
    taken = sum(shares, Decimal(0))
    if taken + share > WHOLE:
        return (
            f"Releases at {runtime.slug} have {decimal_text(taken)} of the requests; {decimal_text(share)} more would be"
            " above 1. End one first, or replace what answers there."
        )
    return None


def fallen(versions: Sequence[Version]) -> dict[Any, list[str]]:
    """Release's key → why it should answer nowhere any more: it, or a part of it, was refused or revoked."""
    named = components_of(versions)
    return {
        version.pk: faults
        for version in versions
        if (
            faults := [
                f"{one.subject} is {one.state}."
                for one in (version, *(part.version for part in named[version.pk].values() if part.version))
                if one.state in states.WITHDRAWN
            ]
        )
    }


def refuse(why: Sequence[str | None]) -> None:
    """Raise Refused with the sentences among `why`, if there are any."""
    if told := [one for one in why if one]:
        raise Refused(" ".join(told))
