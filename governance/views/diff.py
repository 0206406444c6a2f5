"""Two contents side by side: a line per leaf, in order, words marked within changed lines."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from governance.registry import variants
from governance.views.matching import alike, opcodes

WORD = re.compile(r"\s+|[^\s]+")
WORDS = re.compile(r"\w+")
MAX_LINES = 4_000
MAX_WORDS = 4_000
"""Words of a changed line, on both sides together, that are still compared one by one."""
WORDS_IN_ALL = 60_000
"""Words that one comparison marks; after them changed lines count as changed whole."""
LINES_IN_ALL = 20_000
"""Pairs of lines that one comparison holds against each other; after them lines are paired by their place."""
COMPARED = 1_000
"""Letters of each of them that are looked at."""
ALIKE = 0.4
"""Share of words in both from which two lines of a text are one line that changed, not one removed and one added."""
CONTEXT = 2

Words = list[tuple[bool, str]]
Row = dict[str, Any]
Lines = Sequence[tuple[str, str]]


def lines(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """(place, text) of every leaf of a content that says something; items of a list are placed by their `id`, name or path,
    so that they are found again."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "id" or not path:
                yield from lines(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from lines(item, f"{path}[{_name(item) or number}]")
    else:
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        for line in text.splitlines():
            yield path, line


def _name(item: object) -> object:
    if not isinstance(item, dict):
        return None
    return item.get("id") or item.get("name") or item.get("path") or variants.name_of(item)


def rows(old: object, new: object, *, whole: bool = False, marker: "Marker | None" = None) -> list[Row]:
    """Rows for parts/diff.html: `place`, `same`, `changed`, `removed`, `added` and `skipped`; none when nothing differs.

    Equal stretches are left out unless `whole`. Of very long contents only the beginning is compared, and the last row says
    so. One `marker` may serve several calls, which then share its limit.
    """
    before, after = list(lines(old)), list(lines(new))
    cut = max(len(before), len(after)) > MAX_LINES
    before, after = before[:MAX_LINES], after[:MAX_LINES]
    marker = marker or Marker()
    found = [row for code in opcodes(before, after) for row in _block(code, before, after, marker)]
    if all(row["op"] == "same" for row in found) and not whole:
        found = []
    warning = (
        f"Only the first {MAX_LINES:,} lines are compared here; read the rest in the versions themselves."
    )
    return _placed(found, whole=whole) + ([{"op": "skipped", "text": warning}] if cut else [])


def counts(found: list[Row]) -> dict[str, int]:
    number = Counter(row["op"] for row in found)
    return {name: number[name] for name in ("added", "removed", "changed")}


class Marker:
    """Finds which lines became which, and marks the words that differ, until it has done enough of either."""

    def __init__(self) -> None:
        self.left, self.lines_left = WORDS_IN_ALL, LINES_IN_ALL

    def pairs(self, old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
        """Places of the lines of one text that changed into each other; a single line on both sides always did."""
        if len(old) == len(new) == 1:
            return [(0, 0)]
        if len(old) * len(new) > self.lines_left:
            return [(n, n) for n in range(min(len(old), len(new)))]
        self.lines_left -= len(old) * len(new)
        bags = [[frozenset(WORDS.findall(line[:COMPARED])) for line in side] for side in (old, new)]
        return alike(bags[0], bags[1], ALIKE)

    def words(self, old: str, new: str) -> tuple[Words, Words]:
        """Both lines as (changed, text) pieces; a very long line, or one after very many, counts as changed whole."""
        one, two = WORD.findall(old), WORD.findall(new)
        if len(one) + len(two) > min(MAX_WORDS, self.left):
            return [(True, old)], [(True, new)]
        self.left -= len(one) + len(two)
        left: Words = []
        right: Words = []
        for tag, a, b, c, d in opcodes(one, two):
            changed = tag != "equal"
            if b > a:
                left.append((changed, "".join(one[a:b])))
            if d > c:
                right.append((changed, "".join(two[c:d])))
        return left, right


def _block(
    code: tuple[str, int, int, int, int], before: Lines, after: Lines, marker: Marker
) -> Iterator[Row]:
    tag, i, j, k, m = code
    if tag == "equal":
        yield from (_same(before[i + n], i + n, k + n) for n in range(j - i))
        return
    for old, new in _paired(before[i:j], after[k:m], marker):
        left = before[i + old] if old is not None else None
        right = after[k + new] if new is not None else None
        if left and right:
            marked = marker.words(left[1], right[1])
            yield _row("changed", left[0], marked[0], marked[1], i + (old or 0), k + (new or 0))
        elif left:
            yield _row("removed", left[0], [(True, left[1])], None, i + (old or 0), None)
        elif right:
            yield _row("added", right[0], None, [(True, right[1])], None, k + (new or 0))


def _paired(before: Lines, after: Lines, marker: Marker) -> Iterator[tuple[int | None, int | None]]:
    """Which lines stand beside each other: of one place those that are alike; every line once, and in order."""
    old = new = 0
    while old < len(before) or new < len(after):
        here = before[old][0] if old < len(before) else None
        there = after[new][0] if new < len(after) else None
        if here == there:
            left, right = _run(before, old), _run(after, new)
            pairs = marker.pairs(
                [text for _, text in before[old:left]], [text for _, text in after[new:right]]
            )
            yield from _between(pairs, old, left, new, right)
            old, new = left, right
        elif there is None or (
            here is not None and here not in {place for place, _ in after[new : new + 200]}
        ):
            yield old, None
            old += 1
        else:
            yield None, new
            new += 1


def _run(side: Lines, start: int) -> int:
    """Where the lines of one place end."""
    end = start
    while end < len(side) and side[end][0] == side[start][0]:
        end += 1
    return end


def _between(
    pairs: list[tuple[int, int]], old: int, left: int, new: int, right: int
) -> Iterator[tuple[int | None, int | None]]:
    """The pairs, and before, between and after them what has no partner: first what was removed, then what was added."""
    at, other = old, new
    for i, k in [*((old + i, new + k) for i, k in pairs), (left, right)]:
        yield from ((n, None) for n in range(at, i))
        yield from ((None, n) for n in range(other, k))
        if i < left:
            yield i, k
        at, other = i + 1, k + 1


def _same(line: tuple[str, str], old: int, new: int) -> Row:
    text = [(False, line[1])]
    return _row("same", line[0], text, text, old, new)


def _row(
    op: str, place: str, old: Words | None, new: Words | None, old_number: int | None, new_number: int | None
) -> Row:
    numbers = {
        "old_number": None if old_number is None else old_number + 1,
        "new_number": None if new_number is None else new_number + 1,
    }
    return {"op": op, "place": place, "old": old, "new": new, **numbers}


def _placed(found: list[Row], *, whole: bool) -> list[Row]:
    """With a heading wherever the place changes, and equal stretches shortened to their edges unless `whole`."""
    keep = range(len(found)) if whole else _near_changes(found)
    result: list[Row] = []
    skipped, place = 0, None
    for number, row in enumerate(found):
        if number not in keep:
            skipped += 1
            continue
        result += _left_out(skipped)
        skipped = 0
        if row["place"] != place:
            place = row["place"]
            result.append({"op": "place", "text": place})
        result.append(row)
    return result + _left_out(skipped)


def _near_changes(found: list[Row]) -> set[int]:
    return {
        near
        for number, row in enumerate(found)
        if row["op"] != "same"
        for near in range(number - CONTEXT, number + CONTEXT + 1)
    }


def _left_out(number: int) -> list[Row]:
    if not number:
        return []
    return [{"op": "skipped", "text": f"{number} equal line{'s' if number > 1 else ''} left out"}]
