"""What people write of a card: one text a field, each with its author and the day it was true."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from governance.registry.kinds.base import Kind, KindContent, Ref, Reference, pinned, shown
from governance.registry.kinds.fields import Date, Line, Statement

FieldKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""Key of a field of the card schema that a person fills (H) or signs (M)."""


_known: dict[str, frozenset[str]] = {}


_classes: dict[str, str] = {}


def know(fields: Mapping[str, Collection[str]], classes: Mapping[str, str]) -> None:
    """Register the fields that people may fill, each with the kinds of subject that it can describe, and its class."""
    _known.update({key: frozenset(kinds) for key, kinds in fields.items()})
    _classes.update(classes)


class Said(KindContent):
    text: Statement
    """Markdown."""
    author: Annotated[Line, Field(min_length=1)]
    """Who says so: a person, an office, a team."""
    as_of: Date
    """Day on which it was true, YYYY-MM-DD."""
    speaks_of: list[Ref] = Field(default_factory=list)
    """Versions that the text speaks of; when one of them is followed by another, the text wants a look."""


class Content(KindContent):
    subject: str = Field(pattern=r"^(model|dataset|release):[a-z0-9][a-z0-9._-]{0,79}$")
    """Whose card it belongs to, as kind:slug."""
    fields: dict[FieldKey, Said] = Field(min_length=1)
    """Key of the card's field → what is to stand there."""

    @model_validator(mode="after")
    def _fields_are_for_people_to_fill(self) -> "Content":
        kind = self.subject.partition(":")[0]
        for key in self.fields:
            if key not in _known:
                near = difflib.get_close_matches(key, _known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ValueError(f"{key} is no field of the card that people fill{hint}")
            if kind not in _known[key]:
                raise ValueError(f"{key} is no field of the card of a {kind}")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        subject=content.subject,
        fields=", ".join(content.fields),
        authors=", ".join(sorted({said.author for said in content.fields.values()})),
        newest=max(said.as_of for said in content.fields.values()),
    )


def references(content: Content) -> list[Reference]:
    named = {ref.digest: ref for said in content.fields.values() for ref in said.speaks_of}
    return [reference for ref in named.values() for reference in pinned("speaks_of", ref)]


def above(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each text that is not for everybody is as its field of the card is."""
    yield from ((f"fields/{key}", _classes[key]) for key in content["fields"] if _classes[key] != "P")


KIND = Kind(
    "card-text", "Card text", "Card texts", "card-text/1", Content, summary, references,
    group="policy-editor", other_groups=("release-manager",), above=above,
)  # fmt: skip
