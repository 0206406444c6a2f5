"""Gate rules in CEL over the evidence: what must hold before a release goes out."""

from typing import ClassVar, Literal, get_args

from pydantic import Field, model_validator

from governance.registry.kinds.base import Kind, KindContent, Text, shown
from governance.registry.kinds.fields import NamedCite, used_once

Tier = Literal["low", "medium", "high"]
"""How much hangs on an answer of a model."""


class Rule(KindContent):
    later: ClassVar[frozenset[str]] = frozenset({"cites"})

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    """Stable name."""
    title: Text
    """What the rule demands."""
    reads: list[str] = Field(min_length=1)
    """Keys of the facts that the expression may see; nothing else is supplied to it. `*` stands for one part of a key, at the
    end for one or more."""
    expression: Text
    """CEL expression; the rule passes only if it is true."""
    message: Text
    """What to tell people when the rule refuses, and what would help."""
    severity: Literal["block", "warn"] = "block"
    """Whether the gate refuses or only warns."""
    waivable: bool = True
    """Whether a reviewer may let a release pass although this rule refuses it, for a time and with a reason."""
    standard: str = ""
    """The standard or demand that the rule serves."""
    cites: list[NamedCite] = Field(default_factory=list)
    """Principles and rules that the gate holds a release to, as `kind:slug#id` or `kind:slug@n#id`."""


class Content(KindContent):
    later: ClassVar[frozenset[str]] = frozenset({"tiers"})

    title: Text
    """Heading of the page."""
    tiers: list[Tier] = Field(default_factory=list)
    """Use tiers of releases that it serves; none named: all."""
    rules: list[Rule] = Field(min_length=1)
    """The rules, in order."""

    @property
    def served(self) -> tuple[Tier, ...]:
        """The use tiers that the policy serves, from low to high."""
        known: tuple[Tier, ...] = get_args(Tier)
        return tuple(tier for tier in known if tier in self.tiers) or known

    @model_validator(mode="after")
    def _tiers_are_named_once(self) -> "Content":
        used_once(self.tiers, "tier")
        return self

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Content":
        ids = [rule.id for rule in self.rules]
        if twice := {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"rule id used twice: {', '.join(sorted(twice))}")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(title=content.title, tiers=", ".join(content.served), rules=len(content.rules))


KIND = Kind(
    "release-policy",
    "Release policy",
    "Release policies",
    "release-policy/1",
    Content,
    summary,
    group="policy-editor",
)
