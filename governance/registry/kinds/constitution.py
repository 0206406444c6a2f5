"""Principles that a model is trained towards and judged by, each with a stable id."""

from typing import Any, Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import Kind, KindContent, Text, shown


class Principle(KindContent):
    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    text: Text
    authority: Literal["law", "platform", "developer", "user", "guideline"] = "platform"
    """Who may override it: nobody (law), the platform alone, the developer, the user, anyone (guideline)."""
    kind: Literal["refusal", "safety", "honesty", "style", "fairness", "privacy", "other"] = "other"
    visibility: Literal["public", "internal"] = "public"
    reason: str = ""
    """Why an internal principle is not public."""
    owner: str = ""
    """Who answers for an internal principle."""

    @model_validator(mode="after")
    def _hidden_principles_have_a_reason(self) -> "Principle":
        if self.visibility == "internal" and not (self.reason and self.owner):
            raise ValueError("an internal principle needs a reason and an owner")
        return self


class Content(KindContent):
    title: Text
    preamble: str = ""
    principles: list[Principle] = Field(min_length=1)
    source: str = ""
    licence: str = ""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Content":
        ids = [principle.id for principle in self.principles]
        if twice := {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"principle id used twice: {', '.join(sorted(twice))}")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    hidden = sum(principle.visibility == "internal" for principle in content.principles)
    return shown(
        title=content.title,
        principles=len(content.principles),
        internal_principles=hidden,
        licence=content.licence,
    )


def disclosed(content: dict[str, Any]) -> dict[str, Any]:
    """Without the text of internal principles: that they exist, why they are internal and who answers for them is public."""
    return {**content, "principles": [_disclosed(principle) for principle in content["principles"]]}


def _disclosed(principle: dict[str, Any]) -> dict[str, Any]:
    hidden = {"text"} if principle["visibility"] == "internal" else set()
    return {name: value for name, value in principle.items() if name not in hidden}


KIND = Kind(
    "constitution", "Constitution", "Constitutions", "constitution/1", Content, summary,
    group="policy-editor", disclosed=disclosed,
)  # fmt: skip
