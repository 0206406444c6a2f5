"""Ordered stages with their inputs and parameters: how a model is to be post-trained."""

import re
from typing import Any

from pydantic import Field, field_validator, model_validator

from governance.registry.kinds.base import Kind, KindContent, Slug, Text, shown

INPUT = re.compile(r"^([a-z-]+:[a-z0-9][a-z0-9._-]*(@[0-9]+)?|\$[a-z][a-z0-9-]*)$")


class Stage(KindContent):
    name: Slug
    """Name within the recipe."""
    stage: Text
    """Stage kind, such as sft or evaluate."""
    inputs: dict[str, list[str]]
    """Role → versions as kind:slug[@number], or $name for the output of an earlier stage."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the stage that differ from its defaults."""
    seed: int = Field(default=0, ge=0)
    """Seed of every random choice."""
    output: Slug | None = None
    """Slug of the artifact that the stage makes."""
    title: str = ""
    """Title of the artifact that the stage makes."""
    purpose: str = ""
    """What the stage is for."""

    @field_validator("inputs")
    @classmethod
    def _inputs_are_names(cls, inputs: dict[str, list[str]]) -> dict[str, list[str]]:
        for role, names in inputs.items():
            for name in names:
                if not INPUT.match(name):
                    raise ValueError(f"{role}: {name!r} is neither kind:slug[@number] nor $stage")
        return inputs


class Content(KindContent):
    title: Text
    """Heading of the page."""
    description: str = ""
    """What it makes and why."""
    source: str = ""
    """Paper or page that the recipe follows."""
    stages: list[Stage] = Field(min_length=1)
    """The stages, in order."""

    @model_validator(mode="after")
    def _stages_come_in_order(self) -> "Content":
        made: set[str] = set()
        for stage in self.stages:
            if stage.name in made:
                raise ValueError(f"stage name used twice: {stage.name}")
            for names in stage.inputs.values():
                for name in names:
                    if name.startswith("$") and name[1:] not in made:
                        raise ValueError(f"stage {stage.name} uses {name}, which no earlier stage makes")
            made.add(stage.name)
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        title=content.title, stages=" → ".join(stage.name for stage in content.stages), source=content.source
    )


KIND = Kind("recipe", "Recipe", "Recipes", "recipe/1", Content, summary)
