"""Two contents side by side: a line per leaf, in order, words marked within changed lines."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from governance.views.matching import opcodes

WORD = re.compile(r"\s+|[^\s]+")
MAX_LINES = 4_000
MAX_WORDS = 4_000
"""Words of a changed line, on both sides together, that are still compared one by one."""
WORDS_IN_ALL = 60_000
"""Words that one comparison marks; after them changed lines count as changed whole."""
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
            name = item.get("id") or item.get("name") or item.get("path") if isinstance(item, dict) else None
            yield from lines(item, f"{path}[{name or number}]")
    else:
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        for line in text.splitlines():
            yield path, line


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
    """Marks the words that differ between two lines, until it has marked enough."""

    def __init__(self) -> None:
        self.left = WORDS_IN_ALL

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
    for old, new in _paired(before[i:j], after[k:m]):
        left = before[i + old] if old is not None else None
        right = after[k + new] if new is not None else None
        if left and right:
            marked = marker.words(left[1], right[1])
            yield _row("changed", left[0], marked[0], marked[1], i + (old or 0), k + (new or 0))
        elif left:
            yield _row("removed", left[0], [(True, left[1])], None, i + (old or 0), None)
        elif right:
            yield _row("added", right[0], None, [(True, right[1])], None, k + (new or 0))


def _paired(before: Lines, after: Lines) -> Iterator[tuple[int | None, int | None]]:
    """Lines to show beside each other: those of one place in their order, and every line once."""
    old = new = 0
    while old < len(before) or new < len(after):
        here = before[old][0] if old < len(before) else None
        there = after[new][0] if new < len(after) else None
        if here == there:
            yield old, new
            old, new = old + 1, new + 1
        elif there is None or (
            here is not None and here not in {place for place, _ in after[new : new + 200]}
        ):
            yield old, None
            old += 1
        else:
            yield None, new
            new += 1


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
