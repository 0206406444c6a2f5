"""Who holds the decisions, and whether anybody is heard against them: figures R7.1, R7.2 and R7.8 (pure).

Every figure is exact until it is written: four places, halves to even. The same decisions give the same bytes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Any, NamedTuple

from governance.ledger.decimals import decimal_text

WEIGHTS: Mapping[str, int] = {"low": 1, "medium": 2, "high": 3}
"""Impact class → weight of one decision. A convention of ours: the order is meant, the distances are not measured."""
PLACES = 4
DAY = 24 * 60 * 60


class Decided(NamedTuple):
    """One decision for counting: who took it, and its impact class."""

    who: str
    impact: str


class Approved(NamedTuple):
    """One approved version: who wrote it and who approved it."""

    authors: frozenset[str]
    approvers: frozenset[str]


class Raised(NamedTuple):
    """One objection: when it came, when it was answered (None: open), and whether it changed something."""

    at: datetime
    answered_at: datetime | None
    changed: bool


@dataclass(frozen=True)
class Concentration:
    """R7.1. `shares`: (person, weighted share, decisions), largest first; HHI = sum of squared shares; effective = 1 / HHI."""

    n: int
    eligible: int
    shares: tuple[tuple[str, str, int], ...]
    hhi: str | None
    effective: str | None

    def plain(self) -> dict[str, Any]:
        shares = [{"who": who, "share": share, "decisions": count} for who, share, count in self.shares]
        return {**vars(self), "shares": shares}


@dataclass(frozen=True)
class Separation:
    """R7.2. Of `n` approved versions, in how many one person wrote it and alone approved it."""

    n: int
    alone: int
    share: str | None


@dataclass(frozen=True)
class Contestability:
    """R7.8. Objections by what became of them, the median days until an answer, and the share of answers that changed something."""

    n: int
    open: int
    answered: int
    median_days: str | None
    changed: int
    share_changed: str | None
    dissent: int
    """Refusals and dissenting opinions on record."""


def concentration(decisions: Iterable[Decided], eligible: int) -> Concentration:
    """R7.1 over decisions by people, each weighted by its impact class; `eligible` people could decide. Raises KeyError for an
    unknown impact class."""
    weight: dict[str, int] = {}
    count: dict[str, int] = {}
    for who, impact in decisions:
        weight[who] = weight.get(who, 0) + WEIGHTS[impact]
        count[who] = count.get(who, 0) + 1
    whole = sum(weight.values())
    if not whole:
        return Concentration(0, eligible, (), None, None)
    share = {who: Fraction(one, whole) for who, one in weight.items()}
    hhi = sum((one * one for one in share.values()), Fraction(0))
    ordered = sorted(share, key=lambda who: (-share[who], who))
    shares = tuple((who, text(share[who]), count[who]) for who in ordered)
    return Concentration(sum(count.values()), eligible, shares, text(hhi), text(1 / hhi))


def separation(versions: Collection[Approved]) -> Separation:
    """R7.2 over approved versions."""
    alone = sum(len(one.approvers) == 1 and one.approvers <= one.authors for one in versions)
    return Separation(len(versions), alone, ratio(alone, len(versions)))


def contestability(objections: Sequence[Raised], dissent: int) -> Contestability:
    """R7.8 over all objections; `dissent` is how many refusals and dissenting opinions are on record."""
    days = [_days(one.at, one.answered_at) for one in objections if one.answered_at]
    changed = sum(one.changed for one in objections if one.answered_at)
    return Contestability(
        n=len(objections),
        open=len(objections) - len(days),
        answered=len(days),
        median_days=text(median(days)) if days else None,
        changed=changed,
        share_changed=ratio(changed, len(days)),
        dissent=dissent,
    )


def ratio(part: int, whole: int) -> str | None:
    """Decimal text of part / whole; None without a whole."""
    return text(Fraction(part, whole)) if whole else None


def text(value: Fraction) -> str:
    """The one decimal text of a fraction, rounded to four places."""
    return decimal_text(Decimal(round(value * 10**PLACES)) / 10**PLACES)


def _days(start: datetime, end: datetime) -> Fraction:
    return Fraction(int((end - start).total_seconds()), DAY)
