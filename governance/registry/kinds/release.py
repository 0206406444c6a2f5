"""A model version with its policy layer and deployment configuration, and the policy that decides over it."""

from typing import Literal

from pydantic import Field

from governance.registry.kinds.base import Kind, KindContent, Ref, Reference, pinned, shown


class Content(KindContent):
    model: Ref
    baseline: Ref | None = None
    """Model that this one is compared with."""
    constitution: Ref | None = None
    system_prompt: Ref | None = None
    deployment: Ref
    policy: Ref
    """Release policy whose rules decide."""
    use_tier: Literal["low", "medium", "high"] = "low"
    """How much hangs on an answer of the model."""
    intended_uses: str = ""
    out_of_scope: str = ""
    notes: str = Field(default="", max_length=10_000)


def summary(content: Content) -> list[tuple[str, str]]:
    named = {
        name: ref.subject
        for name in ("model", "baseline", "constitution", "system_prompt", "deployment", "policy")
        if (ref := getattr(content, name))
    }
    return shown(**named, use_tier=content.use_tier)


def references(content: Content) -> list[Reference]:
    return [
        *pinned("model", content.model),
        *pinned("baseline", content.baseline),
        *pinned("constitution", content.constitution),
        *pinned("system_prompt", content.system_prompt),
        *pinned("deployment", content.deployment),
        *pinned("policy", content.policy),
    ]


KIND = Kind(
    "release", "Release", "Releases", "release/1", Content, summary, references, group="release-manager"
)
