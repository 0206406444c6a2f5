"""What a sealed version says, field by field: for pages that only read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from governance.admin.forms import ContentForm, Part
from governance.admin.inputs import words
from governance.admin.look import Look


@dataclass(frozen=True)
class Entry:
    """One field: a text, a list of texts, or rows of entries."""

    label: str
    text: str = ""
    items: list[str] = field(default_factory=list)
    rows: "list[tuple[str, list[Entry]]]" = field(default_factory=list)
    """Heading and entries of each row."""

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.items or self.rows)


def entries(form: type[ContentForm], look: Look, content: dict[str, Any], above: str = "") -> list[Entry]:
    """Every field of `content` in the order of its form, then what an older schema had beside it, then which are empty."""
    order = [name for name in form._shape.order if name in form._shape.model.model_fields]
    names = [*order, *(name for name in content if name not in order)]
    found = [_entry(form, look, name, content.get(name), f"{above}{name}") for name in names]
    empty = ", ".join(entry.label for entry in found if entry.is_empty)
    told = [entry for entry in found if not entry.is_empty]
    return [*told, Entry("Empty", empty)] if empty else told


def _entry(form: type[ContentForm], look: Look, name: str, value: Any, place: str) -> Entry:
    label, part = look.label(place), form._shape.parts.get(name)
    if part and value:
        return Entry(label, rows=list(_rows(part, look, value, place)))
    if isinstance(value, list):
        return Entry(label, items=[_text(item) for item in value])
    spoken = isinstance(value, str) and hasattr(form.base_fields.get(name), "options")
    return Entry(label, words(value) if spoken else _text(value))


def _rows(part: Part, look: Look, value: Any, place: str) -> Iterator[tuple[str, list[Entry]]]:
    pairs = value.items() if part.rows and part.rows.keyed else enumerate(value, 1)
    if not part.rows:
        pairs = [("", value)]
    for key, row in pairs:
        name = f"{look.noun(place).capitalize()} {key}" if key else ""
        title = f"{name}: {row['id']}" if isinstance(row, dict) and row.get("id") else name
        yield title, entries(part.form, look, row, f"{place}.") if isinstance(row, dict) else []


def _text(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"subject", "digest"}:
        return str(value["subject"])
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
