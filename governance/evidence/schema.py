"""The card schema: ten sections, 89 fields, read from `card_schema.json` (merged from the standards that each field names)."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from governance.ledger.canonical import loads

PATH = Path(__file__).with_name("card_schema.json")


class Field(BaseModel):
    """One thing that a card tells, and who demands it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    key: str
    title: str
    holds: str
    """What the field is to say."""
    fill: Literal["A", "E", "M", "H"]
    """A from lineage, E from an evaluation or detector, M by a machine's draft that a person signs, H by a person."""
    visibility: Literal["P", "D", "R", "I"]
    """P public, D downstream providers, R authorities on request, I internal."""
    standards: str
    subjects: tuple[Literal["dataset", "model", "release"], ...]
    """Kinds that the field can describe; to all others it does not apply."""
    also: tuple[str, ...] = ()
    """Further first parts of keys whose facts belong to this field."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    title: str
    fields: tuple[Field, ...]


class Schema(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_id: str
    sections: tuple[Section, ...]


@cache
def sections() -> tuple[Section, ...]:
    """The sections in their order."""
    found = loads(PATH.read_text(encoding="utf-8"))
    return Schema(schema_id=found["schema"], sections=found["sections"]).sections


FIELDS: dict[str, Field] = {field.key: field for section in sections() for field in section.fields}
ROOTS: dict[str, Field] = {root: field for field in FIELDS.values() for root in (field.key, *field.also)}
"""First part of a fact's key → the field that it belongs to."""
