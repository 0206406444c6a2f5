"""A version's content as rows of a two-column sheet: every field of the kind, filled or with the reason why it is not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import template

from governance.registry import kinds

register = template.Library()
LEFT_OUT = frozenset({"title", "gaps", "files", "manifest", "visibility", "reason", "owner"})
LONG = 160
"""Characters from which on a text is set as prose."""
REF = {"subject", "digest"}
LABELS = {"cot_visibility": "Intermediate tokens", "cot_reason": "Why they are shown or not"}


@dataclass
class Told:
    """One field and the shape in which its value reads best: text, prose, list, refs, pairs, table or blank."""

    name: str
    label: str
    shape: str = "blank"
    value: Any = None
    columns: list[str] = field(default_factory=list)
    state: str = "not_recorded"
    note: str = ""


@register.filter
def sheet(content: Mapping[str, Any], kind: str) -> list[Told]:
    """One row for each field of `kind` in the order of its schema, without what the page shows elsewhere."""
    names = [name for name in kinds.get(kind).content.model_fields if name not in LEFT_OUT]
    return [told(content, name) for name in names]


@register.filter
def told(content: Mapping[str, Any], name: str) -> Told:
    """The field `name` of a content; of an empty one its state and the reason that a gap gives."""
    row = Told(name, human(name))
    value = content.get(name)
    if value in (None, "", [], {}):
        _blank(row, content.get("gaps"))
    else:
        _shape(row, value)
    return row


@register.filter
def spaced(name: object) -> str:
    """A name such as `safe_completion` as people write it."""
    return str(name).replace("_", " ")


def human(name: str) -> str:
    return LABELS.get(name, spaced(name).capitalize())


def _blank(row: Told, gaps: object) -> None:
    for gap in gaps if isinstance(gaps, list) else []:
        if isinstance(gap, dict) and gap.get("field") == row.name:
            row.state = str(gap.get("state"))
            row.note = " ".join(str(gap[key]) for key in ("reason", "owner") if gap.get(key))


def _shape(row: Told, value: Any) -> None:
    if isinstance(value, dict):
        _shape_pairs(row, value)
    elif isinstance(value, list):
        _shape_list(row, value)
    else:
        text = plain(value)
        row.shape, row.value = ("prose" if "\n" in text or len(text) > LONG else "text"), text


def _shape_pairs(row: Told, value: dict[str, Any]) -> None:
    if set(value) == REF:
        row.shape, row.value = "refs", [value["subject"]]
        return
    row.shape = "pairs"
    row.value = [(human(str(key)), plain(item)) for key, item in value.items() if not empty(item)]


def _shape_list(row: Told, value: list[Any]) -> None:
    if not all(isinstance(item, dict) for item in value):
        row.shape, row.value = "list", [plain(item) for item in value]
    elif all(set(item) == REF for item in value):
        row.shape, row.value = "refs", [item["subject"] for item in value]
    else:
        names = _used(value)
        row.shape, row.columns = "table", [human(name) for name in names]
        row.value = [[(human(name), plain(item.get(name))) for name in names] for item in value]


def _used(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names under which at least one of `items` holds something, in their order."""
    return list(
        dict.fromkeys(str(name) for item in items for name, value in item.items() if not empty(value))
    )


def empty(value: object) -> bool:
    return value is None or value == "" or value == [] or value == {}


def plain(value: object) -> str:
    """A value as a reader would write it; parts of nested ones on one line."""
    if empty(value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        if set(value) == REF:
            return str(value["subject"])
        return ", ".join(
            f"{human(str(key)).lower()} {plain(item)}" for key, item in value.items() if not empty(item)
        )
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value)
    return str(value)
