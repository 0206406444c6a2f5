"""How a model is served: engine, decoding, tools, filters. Part of a release's behavioural identity."""

from pydantic import Field

from governance.registry.kinds.base import Fraction, Kind, KindContent, Text, shown


class Decoding(KindContent):
    do_sample: bool = False
    temperature: Fraction | None = Field(default=None, ge=0, le=5)
    top_p: Fraction | None = Field(default=None, gt=0, le=1)
    max_new_tokens: int = Field(default=256, ge=1)


class Content(KindContent):
    """A field that is null does not apply to this deployment, and says so in the identity."""

    engine: Text
    engine_version: Text
    decoding: Decoding
    context_length: int = Field(ge=1)
    """Longest input, in tokens."""
    quantisation: str | None = None
    tools: list[str] = Field(default_factory=list)
    filters: list[str] = Field(default_factory=list)
    retrieval_digest: str | None = None
    memory: str | None = None
    router: str | None = None
    region: str | None = None
    audience: str = ""


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        engine=f"{content.engine} {content.engine_version}",
        decoding="sampling" if content.decoding.do_sample else "greedy",
        context_length=content.context_length,
        tools=", ".join(content.tools) or "none",
        filters=", ".join(content.filters) or "none",
        audience=content.audience,
    )


KIND = Kind(
    "deployment", "Deployment configuration", "Deployment configurations", "deployment/1", Content, summary
)
