"""The manual's tables of artifact kinds, made from their schemas: field, type and meaning, nested parts below their whole."""

import sys
import types
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from governance.registry.kinds import KINDS
from governance.registry.kinds.base import FileEntry, Gap, Ref

SHARED: tuple[type[BaseModel], ...] = (Ref, Gap, FileEntry)
"""Parts of many kinds, explained once."""
NAMES = {Ref: "reference", Gap: "gap", FileEntry: "file"}
WORDS = {bool: "true or false", int: "whole number", Decimal: "fraction", str: "text", Any: "anything"}

Row = tuple[str, str, str]
Part = tuple[str, type[BaseModel]]


def rows(model: type[BaseModel]) -> list[Row]:
    """(field, type, meaning) of each field; a field that must be filled is bold."""
    return [
        (
            f"**`{name}`**" if field.is_required() else f"`{name}`",
            type_of(field.annotation, name),
            " ".join(str(field.description or "").split()),
        )
        for name, field in model.model_fields.items()
    ]


def parts(model: type[BaseModel], above: str = "") -> Iterator[Part]:
    """(where, model) of `model` and everything nested in it, each once; `where` is a path such as `rules[].examples[]`."""
    seen: set[type[BaseModel]] = set(SHARED)
    queue: list[Part] = [(above, model)]
    while queue:
        where, current = queue.pop(0)
        if current in seen:
            continue
        seen.add(current)
        yield where, current
        for name, field in current.model_fields.items():
            for mark, found in nested(field.annotation):
                queue.append((f"{where}.{name}{mark}" if where else f"{name}{mark}", found))


def nested(annotation: Any) -> list[tuple[str, type[BaseModel]]]:
    """Models inside a type, with `[]` for those in a list and `{}` for those under names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [("", annotation)]
    mark = {list: "[]", tuple: "[]", dict: "{}"}.get(get_origin(annotation) or object, "")
    inner = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return [(mark + deeper, model) for one in inner for deeper, model in nested(one)]


def type_of(annotation: Any, name: str = "") -> str:
    """A type in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in WORDS:
        return WORDS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return NAMES.get(annotation, f"`{name}`, below")
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in inner)
    if origin is Annotated:
        return type_of(inner[0], name)
    if origin is list:
        return f"list of {type_of(inner[0], name)}{'s' if _is_shared(inner[0]) else ''}"
    if origin is dict:
        return f"names, each with {type_of(inner[1], name)}"
    if origin in (Union, types.UnionType):
        return " or ".join(type_of(one, name) for one in inner if one is not type(None))
    raise TypeError(f"{name}: {annotation!r} has no words")


def _is_shared(annotation: Any) -> bool:
    return (get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation) in NAMES


def sections() -> dict[str, list[Part]]:
    """Kind → its parts; under `""` those that many kinds share."""
    shared = [(NAMES[model], model) for model in SHARED]  # type: ignore[index]
    return {"": shared, **{name: list(parts(kind.content)) for name, kind in KINDS.items()}}


def chapter() -> str:
    """Everything between the marks of the page: a section for each kind, with a table for each of its parts."""
    return "\n\n".join(block for name, found in sections().items() for block in section(name, found))


def section(name: str, found: list[Part]) -> Iterator[str]:
    if not name:
        yield "## Shared parts"
    else:
        kind = KINDS[name]
        groups = " and ".join(f"`{group}`" for group in (kind.group, *kind.other_groups))
        yield f"## {kind.title}"
        yield f"Kind `{name}`, schema `{kind.schema}`, written by {groups}. {about(kind.content)}"
    for where, model in found:
        if where:
            yield f"### {where.capitalize()}" if not name else f"### `{name}`: `{where}`"
        yield table(rows(model))


def about(content: type[BaseModel]) -> str:
    """The first paragraph of the docstring of the kind's module."""
    return str(sys.modules[content.__module__].__doc__).split("\n\n")[0].replace("\n", " ")


def table(found: list[Row]) -> str:
    cells = [("field", "type", "meaning"), ("---", "---", "---"), *found]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)
