"""Instructions for the people who rate, compare, write or attack answers."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import Gap, Kind, KindContent, Ref, Reference, Text, pinned, shown
from governance.registry.kinds.fields import (
    MOST,
    Cite,
    Disclosure,
    Id,
    Language,
    Line,
    OptionalDate,
    Path,
    Prose,
    Statement,
    gaps_name_fields,
    of_kinds,
    shown_part,
    used_once,
)


class Section(Disclosure):
    id: Id
    """Stable name; never reused for another section."""
    heading: Line = ""
    """As it stands in the document."""
    section: Path = ""
    """Ids of the headings above it, outermost first."""
    text: Prose = ""
    """What raters are told, in Markdown."""
    tags: list[Id] = Field(default_factory=list)
    """Whom or what it is for, such as `under_18`."""
    cites: list[Cite] = Field(default_factory=list)
    """Principles and rules that it carries out: an id within a document under `follows`, or `kind:slug@n#id`."""

    @model_validator(mode="after")
    def _says_something(self) -> "Section":
        if not (self.text.strip() or self.heading.strip()):
            raise ValueError("a section needs a text or a heading")
        return self


class WorkedExample(KindContent):
    id: Id
    """Stable name within the guideline."""
    section: Id | None = None
    """Id of the section that it explains."""
    prompt: Statement
    """What the model was asked."""
    responses: list[Statement] = Field(default_factory=list)
    """What was answered."""
    preferred: int | None = Field(default=None, ge=1)
    """Number of the response that a rater should prefer, counted from 1."""
    label: Line = ""
    """Label or rating that a rater should give."""
    explanation: Prose = ""
    """Why, in Markdown."""

    @model_validator(mode="after")
    def _preferred_exists(self) -> "WorkedExample":
        if self.preferred is not None and self.preferred > len(self.responses):
            raise ValueError(f"preferred names response {self.preferred} of {len(self.responses)}")
        return self


class Content(KindContent):
    title: Text
    """Heading of the page."""
    purpose: Text
    """What the labels are for."""
    task: Literal["comparison", "rating", "demonstration", "red-teaming", "labelling"]
    """What a rater does."""
    scale: Prose = ""
    """The scale or the set of labels, and what each mark means."""
    languages: list[Language] = Field(default_factory=list)
    """BCP 47 tags of the languages in which raters work."""
    preamble: Prose = ""
    """What stands before the first section."""
    sections: list[Section] = Field(min_length=1, max_length=MOST)
    """The instructions, in order."""
    examples: list[WorkedExample] = Field(default_factory=list, max_length=MOST)
    """Worked examples."""
    merge_rule: Prose = ""
    """How several labels of one item become one."""
    effective_from: OptionalDate = ""
    """Date from which raters work by it, YYYY-MM-DD."""
    follows: list[Annotated[Ref, of_kinds("constitution", "policy")]] = Field(default_factory=list)
    """Constitutions and policies whose principles the sections cite by bare id."""
    source: Line = ""
    """Where the text comes from: an address with a commit, a person, a vendor."""
    licence: Line = ""
    """SPDX identifier, or the licence's own name."""
    gaps: list[Gap] = Field(default_factory=list)
    """What is not told, and why."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Content":
        ids = [section.id for section in self.sections]
        used_once(ids, "section id")
        used_once([example.id for example in self.examples], "example id")
        for example in self.examples:
            if example.section is not None and example.section not in ids:
                raise ValueError(f"example {example.id} explains {example.section}, which is no section")
        gaps_name_fields(self, self.gaps)
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        title=content.title,
        task=content.task,
        sections=len(content.sections),
        internal_sections=sum(section.visibility == "internal" for section in content.sections),
        examples=len(content.examples),
        languages=", ".join(content.languages),
        effective_from=content.effective_from,
        licence=content.licence,
    )


def references(content: Content) -> list[Reference]:
    return [reference for ref in content.follows for reference in pinned("follows", ref)]


def disclosed(content: dict[str, Any]) -> dict[str, Any]:
    """Without the text of internal sections and without the examples that explain them."""
    hidden = {part["id"] for part in content["sections"] if part["visibility"] == "internal"}
    return {
        **content,
        "sections": [shown_part(part) for part in content["sections"]],
        "examples": [
            {"id": example["id"], "section": example["section"]} if example["section"] in hidden else example
            for example in content["examples"]
        ],
    }


KIND = Kind(
    "guideline", "Rater guideline", "Rater guidelines", "guideline/1", Content, summary, references,
    group="policy-editor", disclosed=disclosed,
)  # fmt: skip
