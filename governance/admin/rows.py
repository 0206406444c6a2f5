"""Rows of forms: a list of models in their order, or a mapping of them by key."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.forms.formsets import DELETION_FIELD_NAME, ORDERING_FIELD_NAME, TOTAL_FORM_COUNT, BaseFormSet

from governance.admin.forms import KEY, ContentForm, Problem
from governance.admin.rules import plainly
from governance.admin.stored import MOST_ROWS
from governance.admin.widgets import Counter, Tick

OPEN_ROWS = 12
"""Lists longer than this are shown closed, a line a row."""


class Rows(BaseFormSet):  # type: ignore[type-arg]
    """A list of models, or a mapping of them whose keys are a field of the rows."""

    form: type[ContentForm]
    forms: list[ContentForm]
    name: str
    noun: str
    keyed = False
    default_error_messages = {
        **BaseFormSet.default_error_messages,
        "too_many_forms": "At most %(num)d rows can be edited here. Register a longer document from a file.",
    }

    @classmethod
    def listed(cls, value: Any) -> list[Any]:
        """Stored rows as the forms take them: whatever is no row is left out."""
        if cls.keyed:
            pairs = value.items() if isinstance(value, dict) else ()
            return [{KEY: key, **row} for key, row in pairs if isinstance(row, dict)]
        return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []

    @property
    def placeholder(self) -> str:
        """Stands for the number of a row in the empty one; rows within rows have another."""
        return f"__{self.name}__"

    @property
    def empty_form(self) -> ContentForm:
        form = self.form(
            auto_id=self.auto_id,
            prefix=self.add_prefix(self.placeholder),
            empty_permitted=True,
            use_required_attribute=False,
        )
        self.add_fields(form, None)
        return form

    @property
    def level(self) -> int:
        """Level of the heading: rows within rows stand one deeper."""
        return 2 + str(self.prefix).count("-") // 2

    @property
    def are_many(self) -> bool:
        """Whether the rows are shown closed."""
        return len(self.forms) > OPEN_ROWS

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields[DELETION_FIELD_NAME].widget = Tick()
        form.fields[DELETION_FIELD_NAME].label = "Remove"
        if self.can_order:
            form.fields[ORDERING_FIELD_NAME].widget = Counter()
            form.fields[ORDERING_FIELD_NAME].label = "Position"

    @property
    def in_order(self) -> list[ContentForm]:
        """All rows by their positions; those without one stand last, as they came."""
        return sorted(self.forms, key=_position)

    @property
    def kept(self) -> list[ContentForm]:
        """The rows that stay, in their order: neither removed nor new and empty."""
        return [
            form
            for form in self.in_order
            if not self._should_delete_form(form)  # type: ignore[attr-defined]
            and (not form.empty_permitted or form.has_changed())
        ]

    def content(self) -> Any:
        if self.keyed:
            return {form.cleaned_data.get(KEY) or "": form.content() for form in self.kept}
        return [form.content() for form in self.kept]

    def accuse(self, path: Sequence[str], rule: str) -> None:
        row, rest = self._row(path)
        if row is None:
            self.non_form_errors().append(plainly(rule))
        elif self.keyed and list(rest) == ["[key]"]:
            row.add_error(KEY, plainly(rule, _key(row)))
        else:
            row.accuse(rest, rule)

    def _row(self, path: Sequence[str]) -> tuple[ContentForm | None, Sequence[str]]:
        if self.keyed:
            # A key that is not valid may hold dots of its own.
            text = ".".join(path)
            fits = [form for form in self.kept if f"{text}.".startswith(f"{_key(form)}.")]
            row = max(fits, key=lambda form: len(_key(form)), default=None)
            return row, text[len(_key(row)) + 1 :].split(".") if row else ()
        number = int(path[0]) if path and path[0].isdecimal() else -1
        return (self.kept[number], path[1:]) if 0 <= number < len(self.kept) else (None, path)

    def problems(self, above: str = "", label: str = "") -> Iterator[Problem]:
        for rule in self.non_form_errors():
            yield Problem(f"at-{self.prefix}", f"{above}{label}", str(rule))
        for number, form in enumerate(self.in_order, 1):
            yield from form.problems(f"{above}{self.noun.capitalize()} {number}, ")

    def clean(self) -> None:
        if self.total_form_count() < self.initial_form_count():
            raise ValidationError("This list arrived without some of its rows. Load the page again.")
        if not self.keyed:
            return
        keys = [_key(form) for form in self.kept]
        for form in self.kept:
            if keys.count(_key(form)) > 1:
                form.add_error(KEY, "This stands twice; write each once.")


def _position(form: ContentForm) -> tuple[bool, int]:
    found = form.cleaned_data.get(ORDERING_FIELD_NAME) if hasattr(form, "cleaned_data") else None
    return found is None, found or 0


def _key(form: ContentForm) -> str:
    return str(form.cleaned_data.get(KEY) or "")


def find(part: "ContentForm | Rows", prefix: str) -> Rows | None:
    """The rows with that prefix inside `part`."""
    if isinstance(part, Rows):
        if part.prefix == prefix:
            return part
        inner: Iterator[ContentForm | Rows] = iter(part.forms)
    else:
        inner = iter(part.parts.values())
    return next((found for one in inner if (found := find(one, prefix))), None)


def with_another_row(form: ContentForm, data: Any, prefix: str) -> Any:
    """The posted `data` with one more row under `prefix`, filled with defaults; unchanged where there are no such rows."""
    rows = find(form, prefix)
    if rows is None or len(rows.forms) >= MOST_ROWS:
        return data
    number, more = len(rows.forms), data.copy()
    more[f"{prefix}-{TOTAL_FORM_COUNT}"] = str(number + 1)
    for name, one in rows.empty_form.fields.items():
        if one.initial:
            more[f"{prefix}-{number}-{name}"] = one.initial
    return more
