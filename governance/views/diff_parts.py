"""Two contents compared part by part: which principles, rules, sections, tasks or files were added, removed, changed, moved."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from governance.registry import variants
from governance.views.diff import Marker, Row, Words, rows
from governance.views.matching import rising

NAMES = ("id", "name", "path")
"""Fields that may identify an item of a list."""
HEADINGS = ("heading", "title")
PROSE = "text"
"""Field that is compared line by line however short it is: it is what a part says."""
SHORT = 120
SHORT_IN_PART = 40
"""Letters of a value that a list of fields shows; longer ones are compared line by line."""
OPS = ("changed", "added", "removed", "moved", "same")

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One identified part. `place` and `was` count from 1; None where it is not on that side."""

    name: str
    heading: str
    op: str
    """One of OPS; a part that changed and moved is `changed`, and `moved` as well."""
    moved: bool
    place: int | None
    was: int | None
    fields: list["Field"]
    """Its short values that differ."""
    rows: list[Row]
    """Its other text."""


@dataclass(frozen=True)
class Field:
    """A short value as (changed, text) pieces; None where there is none."""

    name: str
    old: Words | None
    new: Words | None
    difference: str
    """Of two numbers, such as `+12 (+4 %)`."""
    same: bool


def lists_of_parts(old: Content, new: Content) -> list[str]:
    """The fields that are lists of identified parts on both sides, or on one and empty on the other."""
    names = dict.fromkeys([*new, *old])
    return [
        name
        for name in names
        if (old.get(name) or new.get(name)) and _identified(old.get(name)) and _identified(new.get(name))
    ]


def parts(
    old: Sequence[Content] | None, new: Sequence[Content] | None, marker: Marker, *, whole: bool
) -> list[Part]:
    """Every part of either list: those of `new` in its order, each removed one where it stood. The same ones if `whole`."""
    before, after = _by_name(old), _by_name(new)
    was = {name: number for number, name in enumerate(before, 1)}
    places = {name: number for number, name in enumerate(after, 1)}
    stay = [name for name in after if name in before]
    kept = {stay[number] for number in rising([was[name] for name in stay])}
    found = []
    for name in _in_order(list(before), list(after)):
        moved = name in before and name in after and name not in kept
        one, two = before.get(name), after.get(name)
        if one != two or moved or whole:
            op = _op(one, two, moved=moved)
            texts = _compared(one or {}, two or {}, marker, whole=whole)
            found.append(
                Part(name, _heading(two or one or {}), op, moved, places.get(name), was.get(name), *texts)
            )
    return found


def fields(old: Content, new: Content, marker: Marker, *, whole: bool) -> list[Field]:
    """Short values outside of the parts, in the content's order; equal ones only if `whole`."""
    return _fields(old, new, _tabular(old, new), marker, whole=whole)


def rest(old: Content, new: Content, marker: Marker, *, whole: bool) -> list[Row]:
    """What is neither a part nor a short value, line by line."""
    shown = {*lists_of_parts(old, new), *_tabular(old, new)}
    return rows(_without(old, shown), _without(new, shown), whole=whole, marker=marker)


def _op(old: Content | None, new: Content | None, *, moved: bool) -> str:
    if old is None or new is None:
        return "added" if old is None else "removed"
    return "changed" if old != new else "moved" if moved else "same"


def _compared(old: Content, new: Content, marker: Marker, *, whole: bool) -> tuple[list[Field], list[Row]]:
    """Short values and longer text of one part, without what names it."""
    item = new or old
    identity = next(((name,) for name in NAMES if name in item), variants.FIELDS)
    named = {*identity, *(() if old and new else HEADINGS)}
    one, two = _without(old, named), _without(new, named)
    short = [
        name
        for name in dict.fromkeys([*two, *one])
        if name != PROSE and all(_is_short(side.get(name), SHORT_IN_PART) for side in (one, two))
    ]
    text = rows(_without(one, short), _without(two, short), whole=whole, marker=marker)
    # Under the part's own heading its text needs none.
    shown = [row for row in text if row["op"] != "place" or row["text"] != PROSE]
    return _fields(one, two, short, marker, whole=whole), shown


def _without(content: Content, names: Collection[str]) -> Content:
    return {name: value for name, value in content.items() if name not in names}


def _fields(old: Content, new: Content, names: Sequence[str], marker: Marker, *, whole: bool) -> list[Field]:
    found: list[Field] = []
    for name in names:
        before, after = (dict(_leaves(content.get(name), name)) for content in (old, new))
        found += [
            _field(leaf, before.get(leaf), after.get(leaf), marker)
            for leaf in dict.fromkeys([*after, *before])
        ]
    return [field for field in found if whole or not field.same]


def _field(name: str, old: str | None, new: str | None, marker: Marker) -> Field:
    if old is not None and new is not None:
        return Field(name, *marker.words(old, new), _difference(old, new), old == new)
    sides = [None if side is None else [(True, side)] for side in (old, new)]
    return Field(name, sides[0], sides[1], "", old == new)


def _identified(items: object) -> bool:
    if items is None:
        return True
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return False
    names = [_name(item) for item in items]
    return None not in names and len(set(names)) == len(names)


def _name(item: Content) -> str | None:
    found = next((item[name] for name in NAMES if name in item), variants.name_of(item))
    return found if isinstance(found, str) and found else None


def _by_name(items: Sequence[Content] | None) -> dict[str, Content]:
    return {str(_name(item)): item for item in items or []}


def _heading(item: Content) -> str:
    found = next((item[name] for name in HEADINGS if item.get(name)), "")
    return found if isinstance(found, str) else ""


def _in_order(before: list[str], after: list[str]) -> Iterator[str]:
    """The names of `after`, each name that is only in `before` after the one that it followed there."""
    following: dict[str | None, list[str]] = {}
    anchor: str | None = None
    here = set(after)
    for name in before:
        if name in here:
            anchor = name
        else:
            following.setdefault(anchor, []).append(name)
    yield from following.get(None, [])
    for name in after:
        yield name
        yield from following.get(name, [])


def _tabular(old: Content, new: Content) -> list[str]:
    """The fields, parts aside, whose leaves are all short on both sides."""
    shown = set(lists_of_parts(old, new))
    names = [name for name in dict.fromkeys([*new, *old]) if name not in shown]
    return [name for name in names if all(_is_short(content.get(name), SHORT) for content in (old, new))]


def _is_short(value: object, most: int) -> bool:
    if isinstance(value, dict):
        return all(_is_short(item, most) for item in value.values())
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return False
    return len(_text(value)) <= most and "\n" not in _text(value)


def _leaves(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}")
    elif text := _text(value):
        yield name, text


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _difference(old: str, new: str) -> str:
    """Of two numbers, and as a share of the first where that is not zero."""
    try:
        before, after = Decimal(old), Decimal(new)
        difference = after - before
        if old == new or not (before.is_finite() and after.is_finite()):
            return ""
        share = f" ({difference / before:+.1%})" if before else ""
    except (InvalidOperation, ArithmeticError):
        return ""
    return f"{difference:+,f}{share}"
