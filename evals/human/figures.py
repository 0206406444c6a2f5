"""What the judgements of a study say, with the item as the unit (pure). Everything of it leaves as canonical JSON."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from evals.human.sides import OTHER, Side
from evals.statistics.agreement import Agreement, NoVariation, Unit, Value, agreement
from evals.statistics.decimals import text
from evals.statistics.group_agreement import between_interval
from evals.statistics.intervals import Interval, average, is_binary, wilson
from evals.statistics.scores import mean_interval
from evals.statistics.verdicts import Direction, n_for_margin, verdict

HALF = 0.5
UNDECIDED = "undecided"
WORDS = {
    Direction.IMPROVED: "preferred",
    Direction.REGRESSED: "not preferred",
    Direction.INCONCLUSIVE: UNDECIDED,
}
"""Direction of the difference from a half → what it says of a side: neither is the newer one."""
SIDES: tuple[Side, Side] = ("a", "b")
SPLIT = {"a": 1.0, "b": 0.0, "tie": HALF, "both_bad": HALF}
"""What an answer counts for a."""
DECIDED = {"a": 1.0, "b": 0.0}


class Answer(NamedTuple):
    """One judgement as it was given: `choice` is first, second, tie, both_bad or skip."""

    item: int
    rater: str
    group: str
    first: Side
    choice: str
    reason: str = ""

    @property
    def prefers(self) -> str:
        """a, b, tie, both_bad or skip."""
        if self.choice == "first":
            return self.first
        return OTHER[self.first] if self.choice == "second" else self.choice


def figures(
    answers: Iterable[Answer], lengths: Sequence[tuple[int, int]], *, margin: float, seed: int
) -> dict[str, Any]:
    """All that a closed study tells. `lengths` are the characters of a's and b's answer by item; decimals are text.

    Raises ValueError without two items that somebody judged: there would be no interval.
    """
    given = list(answers)
    counted = [answer for answer in given if answer.choice != "skip"]
    values = item_means(counted, SPLIT)
    if len(values) < 2:
        raise ValueError("a study needs judgements on at least 2 items")
    return {
        "judgements": len(counted),
        "raters": len({answer.rater for answer in counted}),
        "items": len(values),
        "skips": dict(sorted(Counter(answer.reason for answer in given if answer.choice == "skip").items())),
        "counts": {name: sum(answer.prefers == name for answer in counted) for name in SPLIT},
        "wins": wins(counted, margin=margin, seed=seed),
        "agreement": _agreement(counted, seed),
        "groups": _groups(counted, seed),
        "position": _position(counted),
        "lengths": _lengths(counted, lengths),
    }


def item_means(answers: Iterable[Answer], worth: Mapping[str, float]) -> list[float]:
    """What the answers of each item are worth for a, averaged over its raters; items without any are left out."""
    inside: dict[int, list[float]] = defaultdict(list)
    for answer in answers:
        if answer.prefers in worth:
            inside[answer.item].append(worth[answer.prefers])
    return [average(inside[item]) for item in sorted(inside)]


def win_interval(values: Sequence[float], seed: int) -> Interval:
    """The mean of shares with its interval.

    Wilson's where all are 0 or 1, and also where they do not vary or there is only one: a mean of shares has at most
    the variance of a share, so that interval is never too narrow. Else mean_interval(), within 0 and 1.
    """
    if is_binary(values) or len(set(values)) < 2:
        return wilson(sum(values), len(values))
    found = mean_interval(values, seed=seed)
    return Interval(
        found.n, found.estimate, max(0.0, found.lower), min(1.0, found.upper), found.level, found.method
    )


def wins(answers: Sequence[Answer], *, margin: float, seed: int) -> dict[str, Any]:
    """Side → how often it wins: ties as half a win, and without them; and the verdict against a half, by the margin.

    Below `n_least` items (n_for_margin of no spread) the verdict is undecided whatever the interval says: nothing is
    decided by smallness. `n_needed` is what the margin takes at the spread that was seen.
    """
    values, decided = item_means(answers, SPLIT), item_means(answers, DECIDED)
    split = win_interval(values, seed)
    alone = win_interval(decided, seed) if decided else None
    least = n_for_margin(0.0, margin)
    spread = average([(value - HALF) ** 2 for value in values])
    return {
        "margin": text(margin),
        "n_least": least,
        "n_needed": max(least, n_for_margin(spread, margin)),
        "method": split.method,
        "decided_items": len(decided),
        **{side: _side(side, split, alone, margin, few=split.n < least) for side in SIDES},
    }


def _side(side: Side, split: Interval, alone: Interval | None, margin: float, *, few: bool) -> dict[str, Any]:
    low, high = _ends(side, split)
    found = verdict(low - HALF, high - HALF, margin)
    told = {
        "win_rate": text(_seen(side, split.estimate)),
        "ci_low": text(low),
        "ci_high": text(high),
        "direction": UNDECIDED if few else WORDS[found.direction],
        "size": UNDECIDED if few else str(found.size),
    }
    if alone is not None:
        low, high = _ends(side, alone)
        told |= {
            "without_ties": text(_seen(side, alone.estimate)),
            "without_ties_low": text(low),
            "without_ties_high": text(high),
        }
    return told


def _ends(side: Side, found: Interval) -> tuple[float, float]:
    ends = _seen(side, found.lower), _seen(side, found.upper)
    return min(ends), max(ends)


def _seen(side: Side, share: float) -> float:
    """A share of a's as the side sees it."""
    return share if side == "a" else 1 - share


def _agreement(answers: Sequence[Answer], seed: int) -> dict[str, Any]:
    """Krippendorff's alpha over which answer was preferred, nominal, with a bootstrap over items; why not, where there is none."""
    try:
        found = agreement(_units(answers), seed=seed)
    except NoVariation as error:
        return {"why": str(error)}
    return _alpha(found)


def _alpha(found: Agreement) -> dict[str, Any]:
    return {
        "alpha": text(found.alpha), "ci_low": text(found.lower), "ci_high": text(found.upper),
        "items": found.items, "values": found.values, "rounds": found.rounds, "seed": found.seed,
    }  # fmt: skip


def _units(answers: Iterable[Answer]) -> list[Unit]:
    rated: dict[int, dict[Hashable, Value]] = defaultdict(dict)
    for answer in answers:
        rated[answer.item][answer.rater] = answer.prefers
    return [rated[item] for item in sorted(rated)]


def _groups(answers: Sequence[Answer], seed: int) -> list[dict[str, Any]]:
    """Agreement inside each group of raters and between each two, with intervals; empty with fewer than two groups."""
    members: dict[Hashable, str] = {answer.rater: answer.group for answer in answers if answer.group}
    names = sorted(set(members.values()))
    if len(names) < 2:
        return []
    grouped = [answer for answer in answers if answer.group]
    found = [
        {"groups": [name], **_agreement([one for one in grouped if one.group == name], seed)}
        for name in names
    ]
    units = _units(grouped)
    for place, one in enumerate(names):
        found += [
            {"groups": [one, other], **_between(units, members, (one, other), seed)}
            for other in names[place + 1 :]
        ]
    return found


def _between(
    units: Sequence[Unit], members: Mapping[Hashable, str], pair: tuple[str, str], seed: int
) -> dict[str, Any]:
    try:
        found = between_interval(units, members, pair, seed=seed)
    except NoVariation as error:
        return {"why": str(error)}
    return _alpha(found)


def _position(answers: Sequence[Answer]) -> dict[str, Any]:
    """How often the first answer was preferred, of all judgements that preferred one: a half where the place plays no part."""
    return _share(answers, lambda answer: answer.choice == "first")


def _lengths(answers: Sequence[Answer], lengths: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Mean characters of the two sides' answers, and how often the longer one was preferred where they differ."""
    items = sorted({answer.item for answer in answers})
    unequal = [answer for answer in answers if lengths[answer.item][0] != lengths[answer.item][1]]

    def longer_won(answer: Answer) -> bool:
        a, b = lengths[answer.item]
        return answer.prefers == ("a" if a > b else "b")

    return {
        "mean_a": text(average([lengths[item][0] for item in items]), 1),
        "mean_b": text(average([lengths[item][1] for item in items]), 1),
        **{f"longer_{name}": value for name, value in _share(unequal, longer_won).items()},
    }


def _share(answers: Sequence[Answer], holds: Callable[[Answer], bool]) -> dict[str, Any]:
    """The share of those that preferred an answer for which it holds, with Wilson's interval over judgements."""
    decided = [answer for answer in answers if answer.prefers in DECIDED]
    if not decided:
        return {"n": 0}
    found = wilson(sum(map(holds, decided)), len(decided))
    return {
        "n": found.n,
        "share": text(found.estimate),
        "ci_low": text(found.lower),
        "ci_high": text(found.upper),
    }
