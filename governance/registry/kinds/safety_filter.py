"""What checks a model's inputs or outputs from outside: a classifier, a rule, a judge or a list of words."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import (
    Fraction,
    Gap,
    Hex,
    Kind,
    KindContent,
    Ref,
    Reference,
    Text,
    pinned,
    shown,
)
from governance.registry.kinds.fields import (
    Disclosure,
    FileList,
    Id,
    Language,
    Line,
    Prose,
    Statement,
    gaps_name_fields,
    of_kinds,
    used_once,
)

HIDDEN = frozenset({"rules", "rules_digest", "threshold", "files", "measured"})


class Category(KindContent):
    id: Id
    """Stable name within the filter."""
    description: Statement
    """What belongs to it."""
    action: Literal["block", "warn", "redact", "safe_completion", "escalate", "log"]
    """What happens when the filter finds it."""
    threshold: Fraction | None = None
    """Score from which the action is taken, where it differs from the filter's."""


class Measured(KindContent):
    """Error rates of the filter on a set of labelled items."""

    category: Id | None = None
    """Id of the category; null for all together."""
    false_positive_rate: Fraction | None = Field(default=None, ge=0, le=1)
    """Share of harmless items that it stopped."""
    false_negative_rate: Fraction | None = Field(default=None, ge=0, le=1)
    """Share of harmful items that it let pass."""
    harmless: int | None = Field(default=None, ge=1)
    """Number of harmless items."""
    harmful: int | None = Field(default=None, ge=1)
    """Number of harmful items."""
    language: Language | None = None
    """BCP 47 tag; null for all together."""
    suite: Annotated[Ref, of_kinds("eval-suite")] | None = None
    """Evaluation suite that held the items."""

    @model_validator(mode="after")
    def _rates_have_their_n(self) -> "Measured":
        for rate, count in (("false_positive_rate", "harmless"), ("false_negative_rate", "harmful")):
            if (getattr(self, rate) is None) != (getattr(self, count) is None):
                raise ValueError(f"{rate} and {count}, the number of items behind it, come together")
        if self.false_positive_rate is None and self.false_negative_rate is None:
            raise ValueError("a measurement needs a false positive or a false negative rate")
        return self


class Content(Disclosure):
    title: Text
    """Heading of the page."""
    description: Prose = ""
    """What it is for."""
    checks: Literal["input", "output", "both"]
    """Which side of the model it stands on."""
    type: Literal["classifier", "rule", "llm-judge", "blocklist"]
    """What decides."""
    model: Annotated[Ref, of_kinds("model", "reward-model")] | None = None
    """Model behind a classifier or a judge."""
    rules: Prose = ""
    """The rule, the judge's prompt or the list itself, where it is short enough to stand here."""
    rules_digest: Hex | None = None
    """SHA-256 of the rules or the list, where they are held elsewhere."""
    threshold: Fraction | None = None
    """Score from which the filter acts."""
    categories: list[Category] = Field(min_length=1)
    """What it looks for, each with what follows."""
    measured: list[Measured] = Field(default_factory=list)
    """Error rates on labelled items."""
    languages: list[Language] = Field(default_factory=list)
    """BCP 47 tags of the languages that it covers."""
    source: Line = ""
    """Where it comes from."""
    licence: Line = ""
    """SPDX identifier, or the licence's own name."""
    gaps: list[Gap] = Field(default_factory=list)
    """What is not told, and why."""
    files: FileList = Field(default_factory=list)
    """Lists or rules as files."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Content":
        ids = [category.id for category in self.categories]
        used_once(ids, "category id")
        for measured in self.measured:
            if measured.category is not None and measured.category not in ids:
                raise ValueError(f"measured names {measured.category}, which is no category")
        gaps_name_fields(self, self.gaps)
        return self

    @model_validator(mode="after")
    def _says_what_decides(self) -> "Content":
        unknown = {gap.field for gap in self.gaps}
        if self.type in ("classifier", "llm-judge"):
            if self.model is None and "model" not in unknown:
                raise ValueError(f"a {self.type} names its model, or a gap of it with the reason")
        elif not (self.rules or self.rules_digest or self.files or "rules" in unknown):
            raise ValueError(f"a {self.type} holds its rules, their digest or files, or a gap of `rules`")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        title=content.title,
        type=content.type,
        checks=content.checks,
        categories=", ".join(category.id for category in content.categories),
        model=content.model.subject if content.model else None,
        languages=", ".join(content.languages),
        visibility=content.visibility,
    )


def references(content: Content) -> list[Reference]:
    suites = {measured.suite.digest: measured.suite for measured in content.measured if measured.suite}
    return [
        *pinned("filter_model", content.model),
        *(reference for suite in suites.values() for reference in pinned("evaluated_on", suite)),
    ]


def disclosed(content: dict[str, Any]) -> dict[str, Any]:
    """Of an internal filter: what it checks and does, without rules, thresholds and measured rates."""
    if content["visibility"] != "internal":
        return content
    kept = {name: value for name, value in content.items() if name not in HIDDEN}
    categories = [{"id": one["id"], "action": one["action"]} for one in content["categories"]]
    return {**kept, "categories": categories}


KIND = Kind(
    "safety-filter", "Safety filter", "Safety filters", "safety-filter/1", Content, summary, references,
    disclosed=disclosed,
)  # fmt: skip
