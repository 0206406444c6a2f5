"""How two sequences are aligned, in bounded time whatever they hold: by what is rare first, as in patience diff (pure)."""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

SMALL = 40_000
"""Pairs of items within which difflib may look for the best alignment; it takes tens of milliseconds for so many."""

Opcode = tuple[str, int, int, int, int]
"""tag ("equal" or "replace"), and the ranges a[i:j] and b[k:l]; in "replace" either may be empty."""


def opcodes(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Opcode]:
    """What turns `a` into `b`, in order and without gaps, neighbouring ranges joined.

    Equal ends are taken off first; then items that stand once on each side are anchors, as many as keep their order; what
    lies between is given to difflib where it is small, and compared place by place where it is not: 4,000 equal lines
    would take difflib seconds.
    """
    return list(_joined(_aligned(a, b, 0, 0, anchors=True)))


def _aligned(
    a: Sequence[Hashable], b: Sequence[Hashable], low: int, high: int, *, anchors: bool
) -> Iterator[Opcode]:
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    yield ("equal", low, low + head, high, high + head)
    x, y = a[head : len(a) - tail], b[head : len(b) - tail]
    yield from _middle(x, y, low + head, high + head, anchors=anchors)
    yield ("equal", low + len(a) - tail, low + len(a), high + len(b) - tail, high + len(b))


def _middle(
    a: Sequence[Hashable], b: Sequence[Hashable], low: int, high: int, *, anchors: bool
) -> Iterator[Opcode]:
    if not a or not b:
        yield ("replace", low, low + len(a), high, high + len(b))
    elif len(a) * len(b) <= SMALL:
        for tag, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            yield ("equal" if tag == "equal" else "replace", low + i, low + j, high + k, high + m)
    elif anchors and (fixed := _anchors(a, b)):
        at, other = 0, 0
        for i, k in [*fixed, (len(a), len(b))]:
            yield from _aligned(a[at:i], b[other:k], low + at, high + other, anchors=False)
            at, other = i, k
    else:
        yield from _place_by_place(a, b, low, high)


def _anchors(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Places (in a, in b) of items that stand once on each side: the longest series of them in the same order."""
    here, there = Counter(a), Counter(b)
    place = {item: number for number, item in enumerate(b) if there[item] == 1}
    pairs = [(number, place[item]) for number, item in enumerate(a) if here[item] == 1 and item in place]
    kept = rising([other for _, other in pairs])
    return [pairs[number] for number in kept]


def alike(a: Sequence[frozenset[str]], b: Sequence[frozenset[str]], least: float) -> list[tuple[int, int]]:
    """Which lines to show beside each other: places (in a, in b), in order on both sides, with the greatest similarity in all.

    Lines are given as their words; their similarity is the share of words in both (Dice's coefficient), and pairs below
    `least` are none. Takes len(a) times len(b) steps.
    """
    best = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for k in reversed(range(len(b))):
            skipped = max(best[i + 1][k], best[i][k + 1])
            score = _similarity(a[i], b[k])
            best[i][k] = max(skipped, best[i + 1][k + 1] + score) if score >= least else skipped
    found: list[tuple[int, int]] = []
    i = k = 0
    while i < len(a) and k < len(b):
        if best[i][k] == best[i + 1][k]:
            i += 1
        elif best[i][k] == best[i][k + 1]:
            k += 1
        else:
            found.append((i, k))
            i, k = i + 1, k + 1
    return found


def _similarity(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def rising(numbers: Sequence[int]) -> list[int]:
    """Places of a longest rising series within `numbers` (patience sorting, O(n log n))."""
    tops: list[int] = []
    at: list[int] = []
    before: list[int | None] = []
    for place, number in enumerate(numbers):
        pile = bisect_left(tops, number)
        before.append(at[pile - 1] if pile else None)
        if pile == len(tops):
            tops.append(number)
            at.append(place)
        else:
            tops[pile], at[pile] = number, place
    found: list[int] = []
    last = at[-1] if at else None
    while last is not None:
        found.append(last)
        last = before[last]
    return found[::-1]


def _place_by_place(a: Sequence[Hashable], b: Sequence[Hashable], low: int, high: int) -> Iterator[Opcode]:
    shared = min(len(a), len(b))
    for n in range(shared):
        yield ("equal" if a[n] == b[n] else "replace", low + n, low + n + 1, high + n, high + n + 1)
    yield ("replace", low + shared, low + len(a), high + shared, high + len(b))


def _common(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    length = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        length += 1
    return length


def _joined(found: Iterator[Opcode]) -> Iterator[Opcode]:
    """Without empty ranges, and with neighbours of one tag as one range."""
    last: Opcode | None = None
    for one in found:
        tag, i, j, k, m = one
        if i == j and k == m:
            continue
        if last and last[0] == tag:
            last = (tag, last[1], j, last[3], m)
            continue
        if last:
            yield last
        last = one
    if last:
        yield last
