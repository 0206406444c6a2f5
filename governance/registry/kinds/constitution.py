"""Principles that a model is trained towards and judged by, each with a stable id."""

from typing import Any

from pydantic import Field, model_validator

from governance.registry.kinds.base import Gap, Kind, KindContent, Text, shown
from governance.registry.kinds.fields import (
    MOST,
    Authority,
    Disclosure,
    Id,
    Line,
    Motive,
    OptionalDate,
    Path,
    Prose,
    Region,
    Statement,
    Subject,
    gaps_name_fields,
    shown_part,
    used_once,
)


class Principle(Disclosure):
    id: Id
    """Stable name; never reused for another principle."""
    heading: Line = ""
    """As it stands in the document."""
    section: Path = ""
    """Ids of the headings above it, outermost first."""
    text: Statement
    """The principle itself, in Markdown."""
    authority: Authority = "platform"
    """Who may override it: nobody (law, root), the platform, the system message, the developer, the user, anyone (guideline)."""
    kind: Subject = "other"
    """What it is about; cards list refusals and style by it."""
    tags: list[Id] = Field(default_factory=list)
    """Whom or what it is for, such as `under_18`."""
    motive: Motive | None = None
    """What made its authors write it."""
    jurisdiction: Region | None = None
    """Where a law demands it: ISO 3166 code or EU."""
    rejected_alternatives: list[Statement] = Field(default_factory=list)
    """Wordings that were considered and not taken."""


class Content(KindContent):
    title: Text
    """Heading of the page."""
    preamble: Prose = ""
    """What stands before the first principle, in Markdown."""
    principles: list[Principle] = Field(min_length=1, max_length=MOST)
    """The principles, in order."""
    effective_from: OptionalDate = ""
    """Date from which it holds, YYYY-MM-DD."""
    source: Line = ""
    """Where the text comes from: an address with a commit, a person, a committee."""
    licence: Line = ""
    """SPDX identifier, or the licence's own name."""
    gaps: list[Gap] = Field(default_factory=list)
    """What is not told, and why."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Content":
        used_once([principle.id for principle in self.principles], "principle id")
        gaps_name_fields(self, self.gaps)
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    hidden = sum(principle.visibility == "internal" for principle in content.principles)
    return shown(
        title=content.title,
        principles=len(content.principles),
        internal_principles=hidden,
        effective_from=content.effective_from,
        licence=content.licence,
    )


def disclosed(content: dict[str, Any]) -> dict[str, Any]:
    """Without the text of internal principles: that they exist, why they are internal and who answers for them is public."""
    return {**content, "principles": [shown_part(principle) for principle in content["principles"]]}


KIND = Kind(
    "constitution", "Constitution", "Constitutions", "constitution/1", Content, summary,
    group="policy-editor", disclosed=disclosed,
)  # fmt: skip
