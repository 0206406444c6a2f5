"""Gate rules in CEL over the evidence: what must hold before a release goes out."""

from typing import Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import Kind, KindContent, Text, shown


class Rule(KindContent):
    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    """Stable name."""
    title: Text
    """What the rule demands."""
    reads: list[str] = Field(min_length=1)
    """Keys of the facts that the expression may see; nothing else is supplied to it."""
    expression: Text
    """CEL expression; the rule passes only if it is true."""
    message: Text
    """What to tell people when the rule refuses, and what would help."""
    severity: Literal["block", "warn"] = "block"
    """Whether the gate refuses or only warns."""
    standard: str = ""
    """The standard or demand that the rule serves."""


class Content(KindContent):
    title: Text
    """Heading of the page."""
    rules: list[Rule] = Field(min_length=1)
    """The rules, in order."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Content":
        ids = [rule.id for rule in self.rules]
        if twice := {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"rule id used twice: {', '.join(sorted(twice))}")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(title=content.title, rules=len(content.rules))


KIND = Kind(
    "release-policy",
    "Release policy",
    "Release policies",
    "release-policy/1",
    Content,
    summary,
    group="policy-editor",
)
