"""From a kind's pydantic schema to its form: a field a leaf, rows a list of models; docstrings are the help texts."""

import types
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as limits
from django import forms
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from governance.admin.forms import KEY, ContentForm, Part, Shape
from governance.admin.inputs import LINES_HELP, REFS_HELP, Choice, Line, Lines, Prose, Refs, Whole
from governance.admin.look import Look
from governance.admin.rows import Rows
from governance.admin.stored import MOST_ROWS
from governance.admin.widgets import Tick
from governance.registry.kinds.base import Ref

LONGEST_LINE = 1_000
"""Texts that may be longer get several lines."""


SHOWN_BEYOND = 50
"""Rows beyond the limit that are shown again with the refusal."""


class NoField(TypeError):
    """A type that no form field is made for; the message names where it stands."""


def form_for(model: type[BaseModel], look: Look, above: str = "") -> type[ContentForm]:
    """The form of `model`. Raises NoField."""
    fields: dict[str, Any] = {}
    parts: dict[str, Part] = {}
    names = sorted(model.model_fields, key=lambda name: _rank(look, f"{above}{name}"))
    for name in names:
        place, info = f"{above}{name}", model.model_fields[name]
        if part := _part(place, info, look):
            parts[name] = part
        else:
            fields[name] = _field(place, info, look)
    shape = Shape(
        model,
        order=tuple(names),
        parts=parts,
        folded=frozenset(name for name in names if f"{above}{name}" in look.folded),
        nullable=frozenset(name for name, info in model.model_fields.items() if _bare(info.annotation)[1]),
        needed=frozenset(name for name, info in model.model_fields.items() if _is_needed(info)),
    )
    return type(f"{model.__name__}Form", (ContentForm,), {**fields, "_shape": shape})


def _rank(look: Look, place: str) -> int:
    """Named fields in the order of their names, then the rest as they stand (sorting is stable)."""
    return look.order.index(place) if place in look.order else len(look.order)


def _part(place: str, info: FieldInfo, look: Look) -> Part | None:
    kind, _ = _bare(info.annotation)
    label, help_text = look.label(place), _help(place, info, look)
    if _is_model(kind):
        return Part(form_for(kind, look, f"{place}."), label, help_text)
    if get_origin(kind) is list and _is_model(item := get_args(kind)[0]) and item is not Ref:
        return Part(form := form_for(item, look, f"{place}."), label, help_text, _rows(form, place, look))
    if get_origin(kind) is dict and _is_model(item := get_args(kind)[1]):
        form = _with_key(form_for(item, look, f"{place}."), place, look)
        return Part(form, label, help_text, _rows(form, place, look, keyed=True))
    return None


def _rows(form: type[ContentForm], place: str, look: Look, *, keyed: bool = False) -> type[Rows]:
    made = forms.formset_factory(
        form,
        formset=Rows,
        extra=0,
        can_order=not keyed,
        can_delete=True,
        max_num=MOST_ROWS,
        absolute_max=MOST_ROWS + SHOWN_BEYOND,
        validate_max=True,
    )
    return type(made.__name__, (made,), {"name": place, "noun": look.noun(place), "keyed": keyed})


def _with_key(form: type[ContentForm], place: str, look: Look) -> type[ContentForm]:
    choices = look.keys.get(place)
    label = look.noun(place).capitalize()
    key = KeyChoice(choices, label=label) if choices else Line(label=label)
    shape = form._shape
    keyed = replace(shape, order=(KEY, *shape.order), needed=shape.needed | {KEY})
    return type(f"Keyed{form.__name__}", (form,), {KEY: key, "_shape": keyed})


class KeyChoice(Choice):
    """A key from a list that is asked for when the form is made."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(options=(), blank=True, **kwargs)
        self.choices = lambda: [("", "—"), *choices()]


def _field(place: str, info: FieldInfo, look: Look) -> forms.Field:
    kind, nullable = _bare(info.annotation)
    default = info.get_default(call_default_factory=True)
    told: dict[str, Any] = {
        "label": look.label(place),
        "help_text": _help(place, info, look),
        "initial": None if default is PydanticUndefined else default,
    }
    if get_origin(kind) is Literal:
        blank = nullable or default is PydanticUndefined
        return Choice(options=[str(one) for one in get_args(kind)], blank=blank, **told)
    if get_origin(kind) is list:
        return _list(place, get_args(kind)[0], told)
    if kind is str:
        return _text(place, [*info.metadata, *_metadata(info.annotation)], nullable, look, told)
    if kind is int:
        return Whole(**told)
    if kind is bool:
        return forms.BooleanField(required=False, widget=Tick, **told)
    if kind is Decimal:
        return Line(longest=60, empty_value=None, **told)
    raise NoField(f"no form field is made for {place}: {info.annotation}")


def _text(place: str, metadata: list[Any], nullable: bool, look: Look, told: dict[str, Any]) -> forms.Field:
    longest = next((one.max_length for one in metadata if isinstance(one, limits.MaxLen)), None)
    patterned = any(getattr(one, "pattern", None) for one in metadata)
    empty = {"empty_value": None} if nullable else {}
    if patterned or place in look.one_line or (longest and longest <= LONGEST_LINE) or _dated(metadata):
        return Line(longest=longest, **empty, **told)
    return Prose(tall=place in look.tall, **empty, **told)


def _dated(metadata: list[Any]) -> bool:
    return any(isinstance(getattr(one, "func", None), types.FunctionType) for one in metadata)


def _list(place: str, item: Any, told: dict[str, Any]) -> forms.Field:
    kind, _ = _bare(item)
    if kind is Ref:
        return Refs(**{**told, "help_text": f"{told['help_text']} {REFS_HELP}".strip()})
    if kind is str:
        return Lines(**{**told, "help_text": f"{told['help_text']} {LINES_HELP}".strip()})
    raise NoField(f"no form field is made for {place}: a list of {item}")


def _help(place: str, info: FieldInfo, look: Look) -> str:
    return look.helps.get(place, " ".join((info.description or "").replace("`", "").split()))


def _bare(annotation: Any) -> tuple[Any, bool]:
    """The type without Annotated and without None, and whether None was among its members."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        members = [one for one in get_args(annotation) if one is not type(None)]
        if len(members) == 1:
            return _bare(members[0])[0], len(members) < len(get_args(annotation))
    return annotation, False


def _metadata(annotation: Any) -> list[Any]:
    """What pydantic left inside `X | None`: the limits of X."""
    if get_origin(annotation) is Annotated:
        return [
            inner
            for one in get_args(annotation)[1:]
            for inner in (one.metadata if isinstance(one, FieldInfo) else [one])
        ]
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for one in get_args(annotation) for inner in _metadata(one)]
    return []


def _is_needed(info: FieldInfo) -> bool:
    least = [one.min_length for one in info.metadata if isinstance(one, limits.MinLen)]
    return info.is_required() or any(least)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
