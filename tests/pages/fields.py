"""What a browser would send of a page's form, and what it would send of one more row."""

from collections.abc import Mapping
from html.parser import HTMLParser


class Fields(dict[str, str]):
    """Name → value of a form's fields. `templates` has those of the empty row of each list."""

    templates: Mapping[str, tuple[str, dict[str, str]]] = {}
    """Prefix of a list → what stands for the row's number, and the fields of an empty row."""

    def __or__(self, other: Mapping[str, str]) -> "Fields":  # type: ignore[override]
        made = Fields({**self, **other})
        made.templates = self.templates
        return made

    def with_rows(self, name: str, *rows: Mapping[str, str]) -> "Fields":
        """With rows added to the list `name`, as the page's script adds them."""
        made = self
        for row in rows:
            made = made._with_row(f"content-{name}", row)
        return made

    def _with_row(self, prefix: str, row: Mapping[str, str]) -> "Fields":
        placeholder, empty = self.templates[prefix]
        count = self[f"{prefix}-TOTAL_FORMS"]
        added = {name.replace(placeholder, count): value for name, value in empty.items()}
        typed = {f"{prefix}-{count}-{name}": value for name, value in row.items()}
        return self | {**added, **typed, f"{prefix}-TOTAL_FORMS": str(int(count) + 1)}


class _Form(HTMLParser):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.inside = name, False
        self.lists: list[tuple[str, str]] = []
        self.waiting: list[str] = []
        self.found = Fields()
        self.templates: dict[str, tuple[str, dict[str, str]]] = {}
        self.area = self.select = ""

    @property
    def fields(self) -> dict[str, str]:
        return self.templates[self.waiting[-1]][1] if self.waiting else self.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = self.name in told.get("class", "").split()
        if not self.inside:
            return
        name, value = told.get("name", ""), told.get("value", "")
        if tag == "section":
            self.lists.append((told.get("data-rows", ""), told.get("data-placeholder", "")))
        elif tag == "template":
            prefix, placeholder = self.lists[-1]
            self.templates[prefix] = (placeholder, {})
            self.waiting.append(prefix)
        elif tag == "input" and told.get("type") != "checkbox":
            self.fields[name] = value
        elif tag == "textarea":
            self.area, self.fields[name] = name, ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and ("selected" in told or self.select not in self.fields):
            self.fields[self.select] = value

    def handle_endtag(self, tag: str) -> None:
        if not self.inside:
            return
        if tag == "form":
            self.inside = False
        elif tag == "section":
            self.lists.pop()
        elif tag == "template":
            self.waiting.pop()
        elif tag == "textarea":
            # HTML drops the first line break of a text area; the page writes one for it.
            self.fields[self.area] = self.fields[self.area].removeprefix("\n")
            self.area = ""
        elif tag == "select":
            self.select = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area] += data


def fields_of(page: str, form: str = "draft") -> Fields:
    """The fields of the form with that class."""
    reader = _Form(form)
    reader.feed(page)
    reader.found.templates = reader.templates
    return reader.found
