"""Two versions side by side: a line per leaf of the content, words marked within changed lines (difflib)."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

WORD = re.compile(r"\s+|[^\s]+")
MAX_LINES = 4_000
MAX_WORDS = 4_000
CONTEXT = 2

Words = list[tuple[bool, str]]
Row = dict[str, Any]


def lines(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """(place, text) of every leaf of a content; list items with an `id` are placed by it, so that they are found again."""
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
        for line in text.splitlines() or [""]:
            yield path, line


def rows(old: object, new: object) -> list[Row]:
    """Rows for the page: `place`, `same`, `changed`, `removed`, `added` and `skipped` (see version_diff.html)."""
    before, after = list(lines(old)), list(lines(new))
    cut = max(len(before), len(after)) > MAX_LINES
    before, after = before[:MAX_LINES], after[:MAX_LINES]
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middle = (before[head : len(before) - tail], after[head : len(after) - tail])
    matcher = difflib.SequenceMatcher(None, *middle, autojunk=False)
    found: list[Row] = [_same(before[n], n, n) for n in range(head)]
    for tag, a, b, c, d in matcher.get_opcodes():
        found += _block(tag, middle[0][a:b], middle[1][c:d], head + a, head + c)
    offset = len(after) - len(before)
    found += [_same(before[n], n, n + offset) for n in range(len(before) - tail, len(before))]
    warning = (
        f"Only the first {MAX_LINES:,} lines are compared here; read the rest in the versions themselves."
    )
    return _folded(found) + ([{"op": "skipped", "text": warning}] if cut else [])


def counts(found: list[Row]) -> dict[str, int]:
    number = Counter(row["op"] for row in found)
    return {name: number[name] for name in ("added", "removed", "changed")}


def _common(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> int:
    length = 0
    for left, right in zip(one, two, strict=False):
        if left != right:
            break
        length += 1
    return length


def _same(line: tuple[str, str], old: int, new: int) -> Row:
    text = [(False, line[1])]
    return {
        "op": "same",
        "place": line[0],
        "old": text,
        "new": text,
        "old_number": old + 1,
        "new_number": new + 1,
    }


def _block(
    tag: str, old: list[tuple[str, str]], new: list[tuple[str, str]], first_old: int, first_new: int
) -> Iterator[Row]:
    if tag == "equal":
        yield from (_same(line, first_old + n, first_new + n) for n, line in enumerate(old))
        return
    for number in range(max(len(old), len(new))):
        left = old[number] if number < len(old) else None
        right = new[number] if number < len(new) else None
        if left and right and left[0] == right[0]:
            marked = words(left[1], right[1])
            yield _row("changed", left[0], marked[0], marked[1], first_old + number, first_new + number)
            continue
        if left:
            yield _row("removed", left[0], [(True, left[1])], None, first_old + number, None)
        if right:
            yield _row("added", right[0], None, [(True, right[1])], None, first_new + number)


def _row(
    op: str, place: str, old: Words | None, new: Words | None, old_number: int | None, new_number: int | None
) -> Row:
    numbers = {
        "old_number": None if old_number is None else old_number + 1,
        "new_number": None if new_number is None else new_number + 1,
    }
    return {"op": op, "place": place, "old": old, "new": new, **numbers}


def words(old: str, new: str) -> tuple[Words, Words]:
    """Both lines as (changed, text) pieces, compared word by word; very long lines count as changed whole."""
    one, two = WORD.findall(old), WORD.findall(new)
    if len(one) + len(two) > MAX_WORDS:
        return [(True, old)], [(True, new)]
    left: Words = []
    right: Words = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        changed = tag != "equal"
        if b > a:
            left.append((changed, "".join(one[a:b])))
        if d > c:
            right.append((changed, "".join(two[c:d])))
    return left, right


def _folded(found: list[Row]) -> list[Row]:
    """Equal stretches shortened to their edges, and a heading wherever the place changes."""
    keep = {
        near
        for number, row in enumerate(found)
        if row["op"] != "same"
        for near in range(number - CONTEXT, number + CONTEXT + 1)
    }
    if not keep:
        return []
    result: list[Row] = []
    skipped, place = 0, None
    for number, row in enumerate(found):
        if number not in keep:
            skipped += 1
            continue
        if skipped:
            result.append(
                {"op": "skipped", "text": f"{skipped} equal line{'s' if skipped > 1 else ''} left out"}
            )
            skipped = 0
        if row["place"] != place:
            place = row["place"]
            result.append({"op": "place", "text": place})
        result.append(row)
    if skipped:
        result.append({"op": "skipped", "text": f"{skipped} equal line{'s' if skipped > 1 else ''} left out"})
    return result
