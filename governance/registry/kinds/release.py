"""A model version with its policy layer and deployment configuration, and the policy that decides over it."""

from pydantic import Field, model_validator

from governance.registry.kinds.base import Kind, KindContent, Ref, Reference, pinned, shown
from governance.registry.kinds.fields import used_once
from governance.registry.kinds.release_policy import Tier


class Content(KindContent):
    model: Ref
    """Model that is released."""
    baseline: Ref | None = None
    """Model that this one is compared with."""
    constitution: Ref | None = None
    """Principles that it is to follow."""
    policies: list[Ref] = Field(default_factory=list)
    """Behaviour, refusal and usage policies that it is to follow."""
    filters: list[Ref] = Field(default_factory=list)
    """Safety filters that stand before or behind it in every deployment."""
    system_prompt: Ref | None = None
    """Prompt that is put before every conversation."""
    deployment: Ref
    """How it is served."""
    policy: Ref
    """Release policy whose rules decide."""
    use_tier: Tier = "low"
    """How much hangs on an answer of the model."""
    intended_uses: str = ""
    """What it is for."""
    out_of_scope: str = ""
    """What it is not for."""
    notes: str = Field(default="", max_length=10_000)
    """Anything else that a reader of the release should know."""

    @model_validator(mode="after")
    def _parts_are_named_once(self) -> "Content":
        used_once([ref.subject for ref in self.policies], "policy")
        used_once([ref.subject for ref in self.filters], "filter")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    named = {
        name: ref.subject
        for name in ("model", "baseline", "constitution", "system_prompt", "deployment", "policy")
        if (ref := getattr(content, name))
    }
    listed = {
        name: ", ".join(ref.subject for ref in getattr(content, name)) for name in ("policies", "filters")
    }
    return shown(**named, **listed, use_tier=content.use_tier)


def references(content: Content) -> list[Reference]:
    return [
        *pinned("model", content.model),
        *pinned("baseline", content.baseline),
        *pinned("constitution", content.constitution),
        *(reference for ref in content.policies for reference in pinned("behaviour_policy", ref)),
        *(reference for ref in content.filters for reference in pinned("filter", ref)),
        *pinned("system_prompt", content.system_prompt),
        *pinned("deployment", content.deployment),
        *pinned("policy", content.policy),
    ]


KIND = Kind(
    "release", "Release", "Releases", "release/1", Content, summary, references, group="release-manager"
)
