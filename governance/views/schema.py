"""Inputs made from pydantic models: docstrings as help, defaults and ranges beside them, models in models as groups."""

import re
import types
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as limits
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from governance.registry.kinds.base import Ref
from governance.views.inputs import (
    CHOICE,
    LINES,
    LONG,
    NUMBER,
    PAIRS,
    TEXT,
    VERSION,
    VERSIONS,
    YAML,
    YES_NO,
    Group,
    Input,
    shown,
)

LONG_TEXTS = frozenset({"description", "text", "notes", "intended_uses", "out_of_scope", "sampling"})
"""Names of text fields that people write more than a line into."""
LONG_FROM = 5_000
"""Characters that a text field may have from which on it is an area."""
WORTH_SAYING = 500
"""Characters beyond which nobody needs to be told that a text may not be longer."""
WORDS = {
    limits.Ge: "at least {}",
    limits.Gt: "more than {}",
    limits.Le: "at most {}",
    limits.Lt: "less than {}",
}
SWITCH = "on"
"""Last part of the name of the input that turns an optional part on; no field of a model is called so."""
MOST_PLACES = 40
"""Groups that a list has in a form, at most."""


def groups_of(
    model: type[BaseModel],
    *,
    leave_out: Collection[str] = (),
    optional: Collection[str] = (),
    places: Mapping[str, int] | None = None,
    prefix: str = "",
) -> list[Group]:
    """The fields of `model` in its own order, models inside it as groups of their own after the rest.

    `optional` names fields that the model demands but somebody else fills in where they are empty; `places` says how many
    groups a list of models has (1 unless said).
    """
    first, nested = Group("", []), []
    for name, info in model.model_fields.items():
        if name in leave_out:
            continue
        kind, place, needed = (
            bare(info.annotation),
            f"{prefix}{name}",
            info.is_required() and name not in optional,
        )
        if is_flat(kind):
            nested.append(_group(kind, place, labelled(name), text_of(info), needed))
        elif get_origin(kind) is list and is_flat(item := bare(get_args(kind)[0])):
            for number in range(min((places or {}).get(place, 1), MOST_PLACES)):
                label = f"{labelled(name)} {number + 1}"
                nested.append(_group(item, f"{place}.{number}", label, text_of(info), needed and number == 0))
        else:
            first.inputs.append(input_for(place, kind, info, required=needed))
    return [first, *nested]


def _group(model: type[BaseModel], place: str, legend: str, help: str, required: bool) -> Group:
    inputs = groups_of(model, prefix=f"{place}.")[0].inputs
    needs_none = not any(one.required for one in inputs)
    for one in inputs:
        one.required = one.required and required
    switch = None
    if needs_none and not required and not place.rpartition(".")[2].isdecimal():
        switch = Input(f"{place}.{SWITCH}", "Have it, with what stands below", YES_NO)
    return Group(legend, inputs, place, help, required, folded=not required, switch=switch)


def places_in(posted: Mapping[str, Any], *, more: bool = False) -> dict[str, int]:
    """How many groups each list of models had in a form that was sent; with `more`, one more of each."""
    found: dict[str, int] = {}
    for name in posted:
        if match := re.match(r"([a-z_.]+)\.([0-9]{1,2})\.[a-z_]+$", name):
            found[match[1]] = max(found.get(match[1], 0), int(match[2]) + 1 + more)
    return found


def places_of(content: Mapping[str, Any]) -> dict[str, int]:
    """How many groups each list of models needs for what stands in `content`, and an empty one."""
    return {name: len(value) + 1 for name, value in content.items() if isinstance(value, list)}


def input_for(name: str, kind: Any, info: FieldInfo, *, required: bool) -> Input:
    """One field as an input that shows its default."""
    short = name.rpartition(".")[2]
    widget, default = widget_of(short, kind, info), ""
    if info.default not in (None, PydanticUndefined):
        default = shown(widget, info.default)
    made = Input(name, labelled(short), widget, text_of(info), default=default, value=default)
    made.required = required and widget != YES_NO
    unless = [f"{default} unless changed"] if default and widget in {NUMBER, TEXT} else []
    made.hint = "; ".join([*shape(widget, kind), *ranges(info), *unless])
    if widget == CHOICE:
        blank = [] if default else [("", "")]
        made.choices = [*blank, *((str(one), str(one).replace("_", " ")) for one in get_args(kind))]
    return made


def labelled(name: str) -> str:
    return name.replace("_", " ").capitalize()


def text_of(info: FieldInfo) -> str:
    return " ".join((info.description or "").replace("`", "").split())


def ranges(info: FieldInfo) -> list[str]:
    """The limits of a number, or the length of a text, in words."""
    said = [
        WORDS[type(one)].format(f"{getattr(one, type(one).__name__.lower()):,}")
        for one in info.metadata
        if type(one) in WORDS
    ]
    longest = _longest(info)
    return [*said, *([f"{longest:,} characters at most"] if 0 < longest <= WORTH_SAYING else [])]


def _longest(info: FieldInfo) -> int:
    return next((one.max_length for one in info.metadata if isinstance(one, limits.MaxLen)), 0)


def shape(widget: str, kind: Any) -> list[str]:
    """How a field is written that is more than a word or a number."""
    if widget in (LINES, VERSIONS):
        return ["one a line"]
    if widget == PAIRS:
        return ["one pair a line, as name: value"]
    if widget != YAML:
        return []
    inner = next((bare(one) for one in get_args(kind)), kind)
    return [f"YAML, a list of {{{', '.join(inner.model_fields)}}}" if is_model(inner) else "YAML"]


def bare(annotation: Any) -> Any:
    """The type without `Annotated` and without `| None`."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        left = [one for one in get_args(annotation) if one is not type(None)]
        return bare(left[0]) if len(left) == 1 else annotation
    return annotation


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def is_flat(kind: Any) -> bool:
    """Whether it is a model of plain fields alone, which make a group."""
    return (
        is_model(kind)
        and kind is not Ref
        and not any(_holds_models(info) for info in kind.model_fields.values())
    )


def _holds_models(info: FieldInfo) -> bool:
    kind = bare(info.annotation)
    inner = [bare(one) for one in get_args(kind)]
    return is_model(kind) or any(is_model(one) and one is not Ref for one in inner)


def widget_of(name: str, kind: Any, info: FieldInfo) -> str:
    inner = [bare(one) for one in get_args(kind)]
    if get_origin(kind) is Literal:
        return CHOICE
    if get_origin(kind) is list:
        plain = inner[0] is str or get_origin(inner[0]) is Literal
        return VERSIONS if inner[0] is Ref else LINES if plain else YAML
    if get_origin(kind) is dict:
        return PAIRS if inner == [str, str] else YAML
    if kind is Ref:
        return VERSION
    if kind is str:
        return LONG if name in LONG_TEXTS or _longest(info) >= LONG_FROM else TEXT
    return {bool: YES_NO, int: NUMBER, Decimal: NUMBER}.get(kind, YAML)
