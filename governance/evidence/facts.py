"""Facts and the frozen document that holds them (pure): what is known of a subject, and what stands behind each value."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from governance.ledger.canonical import canonical, sha256_hex

SCHEMA = "evidence/1"
KEY = r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)*$"

State = Literal["recorded", "derived", "undisclosed", "not_recorded", "not_applicable", "withheld"]
Assurance = Literal["asserted", "imported", "reported", "attested", "observed"]
Class = Literal["P", "D", "R", "I", "X", "body"]
Value = StrictBool | StrictInt | StrictStr | tuple[StrictStr, ...]

EMPTY: frozenset[State] = frozenset({"undisclosed", "not_recorded", "not_applicable", "withheld"})
ASSURANCES: tuple[Assurance, ...] = ("asserted", "imported", "reported", "attested", "observed")
"""Weakest first: what is derived is as sure as its weakest input."""


class Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True
    )


class Pointer(Frozen):
    """Where a recorded value stands: in a part of an entry, or in a content whose digest stands there."""

    entry: int = Field(ge=0)
    """Leaf index."""
    cls: Class = Field(alias="class")
    """Visibility class of the part, or `body` for the entry's own fields (actor, at, op)."""
    pointer: str
    """JSON pointer (RFC 6901) into it: to the value, or to the digest of `content`."""
    content: str | None = None
    at: str | None = None
    """JSON pointer into `content`, where the value stands there."""


class Derivation(Frozen):
    """A function from the closed list and the keys of the facts that it was given."""

    function: str
    inputs: tuple[str, ...]


class Absence(Frozen):
    reason: str
    owner: str = ""
    """Who answers for the gap; empty where nobody is named."""


class Fact(Frozen):
    """One value, or one named gap. `unit` is null for text; fractions are decimal text and have one."""

    key: str = Field(pattern=KEY)
    label: str
    value: Value | None
    unit: str | None = None
    state: State
    assurance: Assurance | None
    source: Pointer | Derivation | Absence
    commitment: StrictStr | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Of a withheld fact: what binds Charter to the value without showing it (governance.cards.commitments)."""

    @model_validator(mode="after")
    def _state_fits_the_source(self) -> Self:
        wanted = {"recorded": Pointer, "derived": Derivation}.get(self.state, Absence)
        if not isinstance(self.source, wanted):
            raise ValueError(f"{self.key}: a fact that is {self.state} has another kind of source")
        if self.is_empty != (self.value is None) or self.is_empty != (self.assurance is None):
            raise ValueError(
                f"{self.key}: a fact has a value and an assurance exactly when it is not {self.state}"
            )
        if self.commitment is not None and self.state != "withheld":
            raise ValueError(f"{self.key}: only a withheld fact has a commitment")
        return self

    @property
    def is_empty(self) -> bool:
        return self.state in EMPTY

    @property
    def field(self) -> str:
        """The field of the card schema that the fact belongs to."""
        return self.key.partition(".")[0]

    @property
    def number(self) -> Decimal | None:
        """The value of a figure, None for text and gaps."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return Decimal(self.value)
        return Decimal(self.value) if self.unit is not None and isinstance(self.value, str) else None

    def plain(self) -> dict[str, Any]:
        """The fact in the canonical subset."""
        whole = self.model_dump(mode="json", exclude={"source", "commitment"})
        committed = {} if self.commitment is None else {"commitment": self.commitment}
        source = self.source.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {**whole, "source": source, **committed}


class Subject(Frozen):
    kind: str
    slug: str
    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.slug}@{self.number}"


class TreeSize(Frozen):
    """The ledger that the evidence was read at: `size` entries, their root in hex."""

    size: int = Field(ge=0)
    root: str


class Document(Frozen):
    """All facts of one subject at one size of the ledger, sorted by key. The same inputs give the same bytes."""

    subject: Subject
    at: TreeSize
    facts: tuple[Fact, ...]

    @model_validator(mode="after")
    def _keys_are_sorted_and_unique(self) -> Self:
        keys = [fact.key for fact in self.facts]
        if twice := [after for before, after in pairwise(keys) if before == after]:
            raise ValueError(f"two facts have the key {twice[0]}; two providers speak about the same thing")
        if keys != sorted(keys):
            raise ValueError("the facts are not sorted by key")
        return self

    @cached_property
    def _by_key(self) -> Mapping[str, Fact]:
        return {fact.key: fact for fact in self.facts}

    @property
    def simulated(self) -> bool:
        """Whether an actor of a demonstration stands behind any of it."""
        fact = self.get("card_snapshot.simulated")
        return fact is not None and fact.value is True

    def get(self, key: str) -> Fact | None:
        return self._by_key.get(key)

    def within(self, field: str) -> list[Fact]:
        """The facts of one field of the card schema, sorted by key."""
        return [fact for fact in self.facts if fact.field == field]

    def entries_behind(self, fact: Fact) -> list[int]:
        """Leaf indices that a value rests on, through its inputs; none for a gap."""
        return sorted(set(self._entries(fact, frozenset())))

    def _entries(self, fact: Fact, seen: frozenset[str]) -> Iterator[int]:
        if isinstance(fact.source, Pointer):
            yield fact.source.entry
        elif isinstance(fact.source, Derivation) and fact.key not in seen:
            for key in fact.source.inputs:
                if found := self.get(key):
                    yield from self._entries(found, seen | {fact.key})

    def plain(self) -> dict[str, Any]:
        """The document in the canonical subset: what `evidence.json` of a bundle holds."""
        return {
            "schema": SCHEMA,
            "subject": self.subject.model_dump(),
            "at": self.at.model_dump(),
            "facts": [fact.plain() for fact in self.facts],
        }

    def canonical(self) -> bytes:
        return canonical(self.plain())

    @property
    def digest(self) -> str:
        return sha256_hex(self.canonical())


def weakest(facts: Sequence[Fact]) -> Assurance:
    """The least assurance among facts with values; observed when there are none: then Charter counted nothing itself."""
    return min((fact.assurance for fact in facts if fact.assurance), key=ASSURANCES.index, default="observed")
