"""Form fields that read and write the values of a kind's content: an unfinished draft may leave any of them empty."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from governance.admin.widgets import Area, Box, Counter, Menu
from governance.ledger.canonical import MAX_INT
from governance.registry.kinds.base import SUBJECT

INDENT = "  "
LINES_HELP = "One a line. Begin a line with two spaces to go on with the item above."
REFS_HELP = "One version a line, such as constitution:house@2."
PROSE_ROWS, TALL_ROWS = 3, 8


def unix(text: str) -> str:
    """Browsers send every line break as CR LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Line(forms.CharField):
    """A text of one line."""

    def __init__(self, *, longest: int | None = None, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Box, **kwargs)
        if longest:
            self.widget.attrs["maxlength"] = longest


class Prose(forms.CharField):
    """A text of several lines, kept to the last blank."""

    def __init__(self, *, tall: bool = False, **kwargs: Any) -> None:
        widget = Area(TALL_ROWS if tall else PROSE_ROWS)
        super().__init__(required=False, strip=False, widget=widget, **kwargs)

    def to_python(self, value: Any) -> Any:
        return super().to_python(unix(value) if isinstance(value, str) else value)


class Whole(forms.IntegerField):
    """A whole number that the ledger can keep."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, min_value=-MAX_INT, max_value=MAX_INT, widget=Counter, **kwargs)


class Choice(forms.ChoiceField):
    """One of a closed list. A stored value outside it is shown as such, and refused when it is sent again."""

    def __init__(self, *, options: Sequence[str], blank: bool, **kwargs: Any) -> None:
        self.options = list(options)
        first = [("", "—")] if blank else []
        choices = [*first, *((one, words(one)) for one in options)]
        super().__init__(required=False, choices=choices, widget=Menu, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        known = {key for key, _ in self.widget.choices}
        if value in (None, "") or value in known:
            return value
        self.widget.choices = [*self.widget.choices, (value, f"{value} (not one of the choices)")]
        return value

    def clean(self, value: Any) -> Any:
        return super().clean(value) or None


class Lines(forms.Field):
    """A list of texts, an item a line; lines that begin with two spaces continue the item above them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=Area(PROSE_ROWS), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(self.written(item) for item in value) if isinstance(value, list) else value

    def written(self, item: Any) -> str:
        return str(item).strip().replace("\n", f"\n{INDENT}")

    def to_python(self, value: Any) -> list[Any]:
        if isinstance(value, list):
            return value
        text = unix(str(value or ""))
        if "\0" in text:
            raise ValidationError("Null characters are not allowed.")
        return [self.read(item) for item in items(text)]

    def read(self, item: str) -> Any:
        return item


class Refs(Lines):
    """A list of versions, one a line. A digest behind the name is needed for versions of another installation alone."""

    def written(self, item: Any) -> str:
        if not isinstance(item, dict):
            return str(item)
        return f"{item.get('subject', '')} {item.get('digest', '')}".strip()

    def read(self, item: str) -> dict[str, str]:
        subject, _, digest = item.partition(" ")
        if not re.fullmatch(SUBJECT, subject):
            raise ValidationError(
                f"{subject!r} names no version; write kind:slug@number, such as constitution:house@2."
            )
        return {"subject": subject, "digest": digest.strip()}


def items(text: str) -> list[str]:
    """The items of a list in lines: a line that begins with two spaces continues the item above it."""
    found: list[list[str]] = []
    for line in text.split("\n"):
        if found and (line.startswith(INDENT) or not line.strip()):
            found[-1].append(line.removeprefix(INDENT))
        elif line.strip():
            found.append([line.strip()])
    return ["\n".join(lines).rstrip() for lines in found]


def words(choice: str) -> str:
    return choice.replace("_", " ").replace("-", " ").capitalize()
