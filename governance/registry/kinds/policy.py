"""What a model may answer, refuses, and may be used for: rules with stable ids, each with the action that it expects."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import Gap, Kind, KindContent, Text, shown
from governance.registry.kinds.fields import (
    MOST,
    Authority,
    Disclosure,
    Id,
    Line,
    Motive,
    NamedCite,
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

Action = Literal["comply", "safe_completion", "partial", "refuse", "escalate"]
USES = ("permitted_uses", "restricted_uses", "prohibited_uses", "permitted_users", "prohibited_users")


class RuleExample(KindContent):
    prompt: Statement
    """What the model is asked."""
    action: Action | None = None
    """What the model should do with this prompt."""
    response: Prose = ""
    """An answer that would be right."""
    explanation: Prose = ""
    """Why, in Markdown."""


class Rule(Disclosure):
    later: ClassVar[frozenset[str]] = frozenset({"cites"})

    id: Id
    """Stable name; never reused for another rule."""
    heading: Line = ""
    """As it stands in the document."""
    section: Path = ""
    """Ids of the headings above it, outermost first."""
    text: Prose = ""
    """The rule itself, in Markdown; empty for a heading that only groups."""
    applies_to: Line = ""
    """Class of requests that it covers."""
    action: Action | None = None
    """What the model is expected to do; null where the text names no single action."""
    authority: Authority | None = None
    """Who may override it: nobody (law, root), the platform, the system message, the developer, the user, anyone (guideline)."""
    kind: Subject = "other"
    """What it is about."""
    tags: list[Id] = Field(default_factory=list)
    """Whom or what it is for, such as `under_18`."""
    motive: Motive | None = None
    """What made its authors write it."""
    jurisdiction: Region | None = None
    """Where a law demands it: ISO 3166 code or EU."""
    rationale: Prose = ""
    """Why its authors wrote it, in Markdown."""
    rejected_alternatives: list[Statement] = Field(default_factory=list)
    """Wordings that were considered and not taken."""
    examples: list[RuleExample] = Field(default_factory=list)
    """Prompts with what is expected."""
    cites: list[NamedCite] = Field(default_factory=list)
    """Principles that it carries out, as `constitution:slug#id` or `constitution:slug@n#id`."""

    @model_validator(mode="after")
    def _says_something(self) -> "Rule":
        if not (self.text.strip() or self.heading.strip()):
            raise ValueError("a rule needs a text or a heading")
        return self


class RegionalVariant(KindContent):
    region: Region
    """ISO 3166 code, or EU."""
    rule: Id
    """Id of the rule that differs there."""
    action: Action | None = None
    """What the model is expected to do there; null for the same as elsewhere."""
    text: Prose = ""
    """Wording that holds there."""
    reason: Statement
    """Why it differs."""


class Enforcement(KindContent):
    """How breaches of a usage policy are found and answered."""

    process: Statement
    """How breaches are found and answered."""
    frequency: Line = ""
    """How often it was enforced: accounts warned, limited and closed, in which period."""


class Content(KindContent):
    title: Text
    """Heading of the page."""
    type: Literal["behaviour", "refusal", "usage"]
    """Whether it says how to behave, what to refuse, or what the model may be used for."""
    preamble: Prose = ""
    """What stands before the first rule, in Markdown."""
    rules: list[Rule] = Field(default_factory=list, max_length=MOST)
    """The rules, in order."""
    appeal_route: Prose = ""
    """Where a person turns who was refused."""
    regional_variants: list[RegionalVariant] = Field(default_factory=list, max_length=MOST)
    """Where a rule differs."""
    enforcement: Enforcement | None = None
    """For a usage policy."""
    permitted_uses: list[Statement] = Field(default_factory=list)
    """For a usage policy."""
    restricted_uses: list[Statement] = Field(default_factory=list)
    """For a usage policy: allowed under conditions."""
    prohibited_uses: list[Statement] = Field(default_factory=list)
    """For a usage policy."""
    permitted_users: list[Statement] = Field(default_factory=list)
    """For a usage policy."""
    prohibited_users: list[Statement] = Field(default_factory=list)
    """For a usage policy."""
    effective_from: OptionalDate = ""
    """Date from which it holds, YYYY-MM-DD."""
    source: Line = ""
    """Where the text comes from: an address with a commit, a person, a committee."""
    licence: Line = ""
    """SPDX identifier, or the licence's own name."""
    gaps: list[Gap] = Field(default_factory=list)
    """What is not told, and why."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Content":
        ids = [rule.id for rule in self.rules]
        used_once(ids, "rule id")
        for variant in self.regional_variants:
            if variant.rule not in ids:
                raise ValueError(f"the variant for {variant.region} names {variant.rule}, which is no rule")
        used_once([f"{one.rule} for {one.region}" for one in self.regional_variants], "regional variant")
        gaps_name_fields(self, self.gaps)
        return self

    @model_validator(mode="after")
    def _fits_its_type(self) -> "Content":
        uses = [name for name in USES if getattr(self, name)]
        if self.type != "usage" and (uses or self.enforcement):
            raise ValueError(f"{(*uses, 'enforcement')[0]} belongs to a policy of type usage")
        if not self.rules and not uses:
            raise ValueError("a policy needs at least one rule, or uses when it is of type usage")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        title=content.title,
        type=content.type,
        rules=len(content.rules),
        internal_rules=sum(rule.visibility == "internal" for rule in content.rules),
        regional_variants=len(content.regional_variants) or None,
        effective_from=content.effective_from,
        licence=content.licence,
    )


def disclosed(content: dict[str, Any]) -> dict[str, Any]:
    """Without the text, examples and regional wording of internal rules."""
    hidden = {rule["id"] for rule in content["rules"] if rule["visibility"] == "internal"}
    return {
        **content,
        "rules": [shown_part(rule) for rule in content["rules"]],
        "regional_variants": [
            {"region": variant["region"], "rule": variant["rule"]} if variant["rule"] in hidden else variant
            for variant in content["regional_variants"]
        ],
    }


KIND = Kind(
    "policy", "Policy", "Policies", "policy/1", Content, summary, group="policy-editor", disclosed=disclosed
)
