"""Stored contents that a form cannot take whole: too long, or of another shape."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from governance.admin.forms import KEY, ContentForm
from governance.admin.inputs import Lines

MOST_ROWS, MOST_ROWS_IN_ALL = 300, 600
"""Rows that a form takes, of one list and together; longer documents are registered from a file."""


def is_too_long(content: Any) -> bool:
    """Whether a stored content has more rows than a form takes."""
    lengths = list(_lengths(content))
    return max(lengths, default=0) > MOST_ROWS or sum(lengths) > MOST_ROWS_IN_ALL


def _lengths(value: Any) -> Iterator[int]:
    """How many rows each list in `value` has."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    yield sum(isinstance(item, dict) for item in inner)
    for item in inner:
        if isinstance(item, dict | list):
            yield from _lengths(item)


def strangers(form: type[ContentForm], content: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Places in a stored content that the form cannot show: unknown names, and values of another shape."""
    for name, value in content.items():
        place, part = f"{above}{name}", form._shape.parts.get(name)
        if part and isinstance(value, dict) and not part.rows:
            yield from strangers(part.form, value, f"{place}.")
        elif part and part.rows:
            rows = part.rows.listed(value)
            if value and len(rows) != (len(value) if isinstance(value, dict | list) else -1):
                yield place
            for number, row in enumerate(rows):
                known = {key: item for key, item in row.items() if key != KEY}
                yield from strangers(part.form, known, f"{place}.{number}.")
        elif value is not None and (part or not _fits(form.base_fields.get(name), value)):
            yield place


def _fits(field: forms.Field | None, value: Any) -> bool:
    """Whether a form field can show a stored value."""
    return (
        field is not None
        and not isinstance(value, dict)
        and isinstance(field, Lines) == isinstance(value, list)
    )
