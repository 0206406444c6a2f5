"""The form of a content: fields, forms within it, and rows. It keeps typed text, and puts each fault at its very field."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django import forms
from django.forms.formsets import DELETION_FIELD_NAME, ORDERING_FIELD_NAME
from pydantic import BaseModel

from governance.admin.rules import plainly

if TYPE_CHECKING:
    from governance.admin.rows import Rows

KEY = "KEY"
"""The field of a row that holds its key, where the list is a mapping."""
GIST = 90
TOOLS = {ORDERING_FIELD_NAME, DELETION_FIELD_NAME}


class Problem(NamedTuple):
    """What is wrong where: `anchor` is the id of an element on the page."""

    anchor: str
    place: str
    rule: str


@dataclass(frozen=True)
class Part:
    """A field that is itself a form, or rows of forms."""

    form: type["ContentForm"]
    label: str
    help: str = ""
    rows: "type[Rows] | None" = None


@dataclass(frozen=True)
class Shape:
    """What a form was made from."""

    model: type[BaseModel]
    order: tuple[str, ...]
    parts: Mapping[str, Part] = field(default_factory=dict)
    folded: frozenset[str] = frozenset()
    nullable: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    """Fields without which nothing can be sent to review."""


class ContentForm(forms.Form):
    """The fields of one pydantic model. Nothing is required: an unfinished draft may be kept."""

    _shape: ClassVar[Shape]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts: dict[str, ContentForm | Rows] = {
            name: self._bound(name, part) for name, part in self._shape.parts.items()
        }

    def _bound(self, name: str, part: Part) -> "ContentForm | Rows":
        prefix, data = self.add_prefix(name), self.data if self.is_bound else None
        # What was typed is never compared with what is stored meanwhile, so a bound form knows no stored values.
        initial = None if self.is_bound else (self.initial or {}).get(name)
        if part.rows:
            return part.rows(data, prefix=prefix, initial=part.rows.listed(initial))
        return part.form(data, prefix=prefix, initial=initial if isinstance(initial, dict) else None)

    def is_valid(self) -> bool:
        parts = [part.is_valid() for part in self.parts.values()]
        return super().is_valid() and all(parts)

    def has_changed(self) -> bool:
        own = [name for name in self.changed_data if name not in TOOLS and not self._is_omitted(name)]
        return bool(own) or any(part.has_changed() for part in self.parts.values())

    def content(self) -> Any:
        """What was typed, as the kind's content. Only of a valid form."""
        found = {}
        for name in self._shape.model.model_fields:
            value = self._value(name)
            if value is not None or name in self._shape.nullable:
                found[name] = value
        return found

    def _value(self, name: str) -> Any:
        if part := self.parts.get(name):
            return None if name in self._shape.nullable and not part.has_changed() else part.content()
        return self.fields[name].initial if self._is_omitted(name) else self.cleaned_data.get(name)

    def _is_omitted(self, name: str) -> bool:
        """Whether the field was not sent at all: then it has the schema's default."""
        widget = self.fields[name].widget
        return bool(widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name)))

    def accuse(self, path: Sequence[str], rule: str) -> None:
        """Put `rule` at the field that `path` leads to, or at the nearest thing around it."""
        name = path[0] if path else None
        if name in self.parts:
            self.parts[name].accuse(path[1:], rule)
        elif name in self.fields:
            value = self.cleaned_data.get(name)
            number = int(path[1]) if len(path) > 1 and path[1].isdecimal() else None
            if number is not None and isinstance(value, list) and number < len(value):
                self.add_error(name, f"Item {number + 1}: {plainly(rule, value[number])}")
            else:
                self.add_error(name, plainly(rule, value))
        else:
            self.add_error(None, plainly(f"{'.'.join(path)}: {rule}" if path and name != "content" else rule))

    def problems(self, above: str = "", label: str = "") -> Iterator[Problem]:
        """All that is wrong, in the order of the page; places begin with `above` and `label`."""
        within = f"{above}{label}, " if label else above
        for rule in self.non_field_errors():
            yield Problem(self.anchor, within.rstrip(", ") or "Whole document", str(rule))
        for name in (*self._shape.order, *sorted(TOOLS & set(self.fields))):
            if name in self.parts:
                yield from self.parts[name].problems(within, self._shape.parts[name].label)
            else:
                bound = self[name]
                yield from (
                    Problem(bound.auto_id, f"{within}{bound.label}", str(rule)) for rule in bound.errors
                )

    @property
    def anchor(self) -> str:
        return f"at-{self.prefix}"

    @property
    def pieces(self) -> "list[Piece]":
        return [self._piece(name) for name in self._shape.order if name not in self._shape.folded]

    @property
    def folded(self) -> "list[Piece]":
        return [self._piece(name) for name in self._shape.order if name in self._shape.folded]

    @property
    def folded_is_open(self) -> bool:
        """Whether something behind "More" was filled in or is wrong."""
        return any(piece.is_filled for piece in self.folded)

    def _piece(self, name: str) -> "Piece":
        needed = name in self._shape.needed
        if part := self.parts.get(name):
            told = self._shape.parts[name]
            made = InnerForm if isinstance(part, ContentForm) else RowsOfForms
            return made(told.label, told.help, needed, part)
        bound = self[name]
        return OneField(str(bound.label), str(bound.help_text), needed, bound)

    @property
    def is_wrong(self) -> bool:
        return self.is_bound and next(self.problems(), None) is not None

    @property
    def is_new(self) -> bool:
        """Whether nobody has filled the row in yet."""
        return bool(self.is_bound and self.empty_permitted and not self.has_changed())

    @property
    def gist(self) -> str:
        """The beginning of what a row says, for its heading."""
        texts = [name for name in self._shape.order if isinstance(self.fields.get(name), forms.CharField)]
        said = [str(self[name].value() or "") for name in texts]
        found = " · ".join(" ".join(text.split()) for text in said if text.strip())
        return found if len(found) <= GIST else f"{found[:GIST].rstrip()}…"


@dataclass(frozen=True)
class Piece(ABC):
    """What the template shows next."""

    label: str
    help: str
    needed: bool
    of: Any
    template: ClassVar[str] = ""

    @property
    @abstractmethod
    def is_filled(self) -> bool:
        """Whether it says anything yet."""


class OneField(Piece):
    """A field; `of` is bound to its form. The template writes it itself: an inclusion each would take longer."""

    @property
    def is_wide(self) -> bool:
        return isinstance(self.of.field.widget, forms.Textarea)

    @property
    def is_check(self) -> bool:
        return isinstance(self.of.field.widget, forms.CheckboxInput)

    @property
    def is_filled(self) -> bool:
        return bool(self.of.errors) or (self.of.value() or None) != (self.of.field.initial or None)


class InnerForm(Piece):
    """A form within the form."""

    template = "admin/drafts/inner.html"

    @property
    def is_filled(self) -> bool:
        return any(piece.is_filled for piece in self.of.pieces)


class RowsOfForms(Piece):
    template = "admin/drafts/rows.html"

    @property
    def is_filled(self) -> bool:
        return bool(self.of.forms)
