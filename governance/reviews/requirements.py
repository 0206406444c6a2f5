"""Who must approve what (pure): seats by artifact kind and impact class, read from one YAML file and checked as a whole."""

import difflib
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from governance.ledger.canonical import sha256_hex
from governance.registry.kinds import KINDS

DEFAULT = Path(__file__).with_name("requirements.yaml")
Class = Literal["low", "medium", "high"]
CLASSES: tuple[Class, ...] = ("low", "medium", "high")
"""Impact classes, least first."""
RELEASE = "release"
"""The kind whose versions say their own impact class, in `use_tier`."""


class BadRequirements(ValueError):
    """A file of requirements that cannot be used; the message names file, field and rule."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Seat(_Strict):
    groups: tuple[str, ...] = Field(min_length=1)
    """Groups of which one is enough."""
    people: int = Field(ge=1, le=10)
    """How many different people it takes."""


Seats = tuple[Seat, ...]


class KindRule(_Strict):
    impact: Class | None = None
    """Impact class of its versions, unless their artifact has been given another."""
    seats: dict[Class, Seats] = Field(default_factory=dict)
    """Impact class → seats, in place of those of all kinds."""


class Requirements(_Strict):
    impact: Class
    """Impact class of kinds that name none."""
    seats: dict[Class, Seats]
    """Impact class → seats."""
    kinds: dict[str, KindRule] = Field(default_factory=dict)
    digest: str
    """SHA-256 of the file."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if missing := [name for name in CLASSES if name not in self.seats]:
            raise ValueError(f"seats name no {missing[0]}")
        for place, seats in self._listed():
            if not seats:
                raise ValueError(f"{place} has no seat, so that nobody would have to approve")
        if unknown := [name for name in self.kinds if name not in KINDS]:
            raise ValueError(f"kinds: there is no kind {unknown[0]!r}{_near(unknown[0], KINDS)}")
        if RELEASE in self.kinds and self.kinds[RELEASE].impact:
            raise ValueError("kinds.release.impact: a release says its own impact class, in use_tier")
        return self

    def of(self, kind: str, impact: Class) -> tuple[frozenset[str], ...]:
        """The groups of each place that must be filled, one place a person."""
        rule = self.kinds.get(kind, KindRule())
        seats = rule.seats.get(impact) or self.seats[impact]
        return tuple(frozenset(seat.groups) for seat in seats for _ in range(seat.people))

    def impact_of(self, kind: str) -> Class:
        """The impact class of a kind's versions, unless their artifact has been given another."""
        return self.kinds.get(kind, KindRule()).impact or self.impact

    def all_places(self) -> Iterator[frozenset[str]]:
        """The groups of every seat that the file names."""
        for _, seats in self._listed():
            yield from (frozenset(seat.groups) for seat in seats)

    def _listed(self) -> Iterator[tuple[str, Seats]]:
        yield from ((f"seats.{name}", seats) for name, seats in self.seats.items())
        for kind, rule in self.kinds.items():
            yield from ((f"kinds.{kind}.seats.{name}", seats) for name, seats in rule.seats.items())


@cache
def read(path: Path, groups: frozenset[str]) -> Requirements:
    """The requirements in `path`, whose seats name only `groups`. Read once a process. Raises BadRequirements."""
    try:
        raw = path.read_bytes()
        found = yaml.safe_load(raw)
    except OSError as error:
        raise BadRequirements(f"{path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRequirements(f"{path} is no YAML: {error}") from error
    if not isinstance(found, dict):
        raise BadRequirements(f"{path} must hold impact, seats and kinds.")
    try:
        made = Requirements.model_validate({**found, "digest": sha256_hex(raw)})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRequirements(f"{path}: {place + ': ' if place else ''}{first['msg']}.") from error
    if unknown := sorted(frozenset().union(*made.all_places()) - groups):
        may = ", ".join(sorted(groups))
        raise BadRequirements(f"{path}: members of {unknown[0]!r} do not review; seats are for {may}.")
    return made


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
