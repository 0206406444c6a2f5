"""Training methods, one pure file each: TITLE, Params, ROLES, METRICS, `validate`. A new one is a copied neighbour.

`runner/X.py` builds the trainer of `methods/X.py` inside the job process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError

from governance.ledger.decimals import decimal_text

Fraction = Annotated[Decimal, PlainSerializer(decimal_text, return_type=str)]
"""A number with a fraction: exact, and dumped as the text that a digest may be taken of."""


class MethodParams(BaseModel):
    """What a person may set for a method. Frozen; unknown names are refused; each field's docstring is its manual."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True)
class RoleSpec:
    """Which kinds of version may stand in a role, whether it must be filled, and whether more than one may.

    `served`: a model may stand there that is only asked at an address.
    """

    kinds: tuple[str, ...]
    required: bool = True
    many: bool = False
    served: bool = False


@dataclass(frozen=True)
class Metric:
    """What a number in `metrics.jsonl` means. `better` is the direction a reader hopes for."""

    unit: str
    better: Literal["lower", "higher", "neither"]
    description: str


class BadParams(ValueError):
    """Parameters that a method or a spec refuses: one sentence for each, in `complaints`, naming the field."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__(" ".join(complaints))
        self.complaints = complaints


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], raw: Mapping[str, Any], where: str = "") -> Model:
    """`raw` as `model`; raises BadParams naming each wrong field, with the nearest known name for an unknown one.

    `where` is put before the names of fields ("params").
    """
    try:
        return model.model_validate(dict(raw))
    except ValidationError as error:
        raise BadParams(complaints(error, model, where)) from error


def complaints(error: ValidationError, model: type[BaseModel], where: str = "") -> list[str]:
    """One sentence for each thing that pydantic found wrong, naming the field as a person wrote it."""
    return [_sentence(found, model, where) for found in error.errors(include_url=False)]


def nearest(name: str, known: list[str]) -> str:
    """A hint for a mistyped name: the nearest known one, or all of them when none is near."""
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known here: {', '.join(known)}."


def _sentence(found: Any, model: type[BaseModel], where: str) -> str:
    field = ".".join(part for part in (where, *map(str, found["loc"])) if part)
    if found["type"] == "extra_forbidden":
        owner = _owner(model, found["loc"])
        return f"{field}: there is no such field. {nearest(str(found['loc'][-1]), list(owner.model_fields))}"
    if found["type"] == "missing":
        return f"{field}: must be given."
    text = found["msg"].removeprefix("Value error, ").rstrip(".")
    said = f" (not {found['input']!r})" if isinstance(found["input"], str | int | float | Decimal) else ""
    return f"{field}: {text}{said}." if field else f"{text}{said}."


def _owner(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    """The model that refused the last name of `loc`, found by walking down the fields."""
    for part in loc[:-1]:
        field = model.model_fields.get(str(part))
        inner = [kind for kind in _kinds(field.annotation) if isinstance(kind, type)] if field else []
        model = next((kind for kind in inner if issubclass(kind, BaseModel)), model)
    return model


def _kinds(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", (annotation,))
