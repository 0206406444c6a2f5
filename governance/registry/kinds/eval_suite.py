"""What is measured, how it is scored, and by how much a result may move before it counts."""

import re
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import Files, Fraction, Kind, KindContent, Text, shown
from governance.registry.kinds.fields import NamedCite


class Patterns(KindContent):
    """Regular expressions (searched, case ignored) that class a response."""

    refused: list[str] = Field(min_length=1)
    """One of these in a response makes it a refusal."""
    complied: list[str] = Field(default_factory=list)
    """One of these makes it a compliance; without any given, every answer that is no refusal is one."""

    @model_validator(mode="after")
    def _patterns_compile(self) -> "Patterns":
        for pattern in [*self.refused, *self.complied]:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"pattern {pattern!r} does not compile: {error}") from error
        return self


class Task(KindContent):
    later: ClassVar[frozenset[str]] = frozenset({"cites"})

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Name within the suite."""
    kind: Literal["refusal", "exact_match", "multiple_choice", "tool_use"]
    """How a response is scored; of `tool_use` the calls of the tools on offer and the final answer."""
    metric: Text
    """Name of the score."""
    higher_is_better: bool = True
    """Direction of the score."""
    margin: Fraction = Field(gt=0, lt=1)
    """Non-inferiority margin of the metric, as a share, fixed before anything is measured."""
    file: Text
    """Items file among the suite's files: one JSON object a line with `id`."""
    prompt_field: Text = "prompt"
    """Field of an item that holds the prompt."""
    target_field: Text = "target"
    """Field of an item that holds the right answer."""
    choices_field: str | None = None
    """Field of an item that holds the choices."""
    only: dict[str, str] | None = None
    """Keep the items whose fields have these values."""
    few_shot: int = Field(default=0, ge=0)
    """Items shown as examples before each prompt."""
    max_new_tokens: int = Field(default=32, ge=1, le=4096)
    """Longest response, in tokens."""
    extract: str | None = None
    """Regular expression whose first group is the answer within a response; its last match counts."""
    patterns: Patterns | None = None
    """How a response is classed as a refusal."""
    purpose: Literal["capability", "safety", "over_refusal"] = "capability"
    """What the task stands for."""
    cites: list[NamedCite] = Field(default_factory=list)
    """Principles and rules that all its items test; those of single items stand in their field `principle`."""
    max_turns: int | None = Field(default=None, ge=1, le=32)
    """Turns of the model after which a conversation with tools ends; for `tool_use`, and needed there."""

    @model_validator(mode="after")
    def _refusals_need_patterns(self) -> "Task":
        if (self.kind == "refusal") != (self.patterns is not None):
            raise ValueError("a refusal task, and no other, needs `patterns`")
        if (self.kind == "multiple_choice") != (self.choices_field is not None):
            raise ValueError("a multiple_choice task, and no other, needs `choices_field`")
        return self

    @model_validator(mode="after")
    def _tools_need_turns(self) -> "Task":
        if (self.kind == "tool_use") != (self.max_turns is not None):
            raise ValueError("a tool_use task, and no other, needs `max_turns`")
        if self.kind == "tool_use" and self.few_shot:
            raise ValueError("a tool_use task has no few-shot examples")
        return self


class Content(KindContent):
    title: Text
    """Heading of the page."""
    tasks: list[Task] = Field(min_length=1)
    """What is measured."""
    status: Literal["dev", "unseen", "private"]
    """Status when the suite was sealed; what it is today follows from its recorded uses."""
    chat_template: bool = True
    """Whether prompts go through the model's chat template."""
    licence: str = ""
    """SPDX identifier, or the licence's own name."""
    source: str = ""
    """Where the items come from."""
    files: Files
    """Files that hold the items."""

    @model_validator(mode="after")
    def _tasks_fit_the_files(self) -> "Content":
        names = [task.name for task in self.tasks]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"task name used twice: {', '.join(sorted(twice))}")
        if not self.chat_template and any(task.kind == "tool_use" for task in self.tasks):
            raise ValueError("tools are offered through the chat template: a tool_use task needs it")
        paths = {file.path for file in self.files}
        for task in self.tasks:
            if task.file not in paths:
                raise ValueError(
                    f"task {task.name} names the file {task.file}, which the suite does not hold"
                )
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        title=content.title,
        tasks=", ".join(task.name for task in content.tasks),
        status=content.status,
        licence=content.licence,
        source=content.source,
    )


KIND = Kind("eval-suite", "Evaluation suite", "Evaluation suites", "eval-suite/1", Content, summary)
