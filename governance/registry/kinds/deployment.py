"""How a model is served: engine, decoding, tools, filters. Part of a release's behavioural identity."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import (
    Fraction,
    Hex,
    Kind,
    KindContent,
    Ref,
    Reference,
    Text,
    pinned,
    shown,
)
from governance.registry.kinds.fields import Id, Line, Prose, of_kinds, used_once

Filter = Annotated[Ref, of_kinds("safety-filter")]


class Decoding(KindContent):
    do_sample: bool = False
    """Whether tokens are drawn, and not the likeliest taken."""
    temperature: Fraction | None = Field(default=None, ge=0, le=5)
    """Temperature of the draw."""
    top_p: Fraction | None = Field(default=None, gt=0, le=1)
    """Share of the probability that is drawn from."""
    top_k: int | None = Field(default=None, ge=1)
    """Number of tokens that are drawn from."""
    repetition_penalty: Fraction | None = Field(default=None, gt=0, le=5)
    """Divisor for tokens that were said before."""
    stop: list[str] = Field(default_factory=list)
    """Texts that end an answer."""
    max_new_tokens: int = Field(default=256, ge=1)
    """Longest answer, in tokens."""


class Definition(KindContent):
    """What the model is told of a tool: its schema and description, by their digest."""

    name: Text
    """The tool's name."""
    sha256: Hex
    """SHA-256 of the definition as the model gets it."""


class PromptTemplate(KindContent):
    """A text that is put before or around what users write, and filled in when it is used."""

    name: Id
    """Such as greeting, retrieval or date."""
    sha256: Hex
    """SHA-256 of the template's text, placeholders included."""
    rule: Line = ""
    """When it is used."""


class Channel(KindContent):
    """Where a channel differs from the configuration as a whole; a field that is null is as there."""

    name: Id
    """Such as app, api or voice."""
    decoding: Decoding | None = None
    """How tokens are chosen there."""
    context_length: int | None = Field(default=None, ge=1)
    """Longest input there, in tokens."""
    tools: list[Text] | None = None
    """Tools that may be called there."""
    filters: list[Filter] | None = None
    """Safety filters there."""
    system_prompt: Annotated[Ref, of_kinds("system-prompt")] | None = None
    """Prompt that is put before every conversation there."""
    quantisation: Line | None = None
    """Number format of the weights there."""
    region: Line | None = None
    """Where the channel is served."""


class Route(KindContent):
    """A model that a router may send a request to."""

    model: Annotated[Ref, of_kinds("model")]
    """Model behind the router."""
    share: Fraction | None = Field(default=None, ge=0, le=1)
    """Share of the requests."""
    rule: Line = ""
    """When it is chosen."""


class Content(KindContent):
    """A field that is null does not apply to this deployment, and says so in the identity."""

    later: ClassVar[frozenset[str]] = frozenset({"tool_definitions", "prompt_templates"})

    engine: Text
    """Inference engine."""
    engine_version: Text
    """Its version."""
    decoding: Decoding
    """How tokens are chosen."""
    context_length: int = Field(ge=1)
    """Longest input, in tokens."""
    quantisation: str | None = None
    """Number format of the weights as served."""
    tools: list[str] = Field(default_factory=list)
    """Tools that the model may call."""
    tool_definitions: list[Definition] = Field(default_factory=list)
    """Definitions of these tools, which may change while their names stay."""
    prompt_templates: list[PromptTemplate] = Field(default_factory=list)
    """Dynamic prompt templates: texts beside the system prompt that are filled in when they are used."""
    filters: list[Filter] = Field(default_factory=list)
    """Safety filters before and behind the model."""
    retrieval_digest: Hex | None = None
    """SHA-256 of the retrieval index."""
    memory: str | None = None
    """What is kept between conversations."""
    router: str | None = None
    """How a request finds its model."""
    routes: list[Route] = Field(default_factory=list)
    """Models behind the router, with their shares."""
    channels: list[Channel] = Field(default_factory=list)
    """Channels that are served differently."""
    cot_visibility: Literal["shown", "summarised", "hidden", "none"] | None = None
    """Whether readers see the tokens before the answer; `none` when the model writes none."""
    cot_reason: Prose = ""
    """Why they are shown, summarised or hidden."""
    region: str | None = None
    """Where it is served."""
    audience: str = ""
    """Who is served."""
    system_types: list[Line] = Field(default_factory=list)
    """Kinds of systems that it is meant to be built into."""
    technical_means: Prose = ""
    """What an integrator needs: interfaces, instructions, infrastructure."""
    hardware: Line = ""
    """What it runs on."""
    software: list[Line] = Field(default_factory=list)
    """Software with versions that it needs beside the engine."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Content":
        used_once([channel.name for channel in self.channels], "channel")
        used_once([one.name for one in self.tool_definitions], "definition")
        used_once([one.name for one in self.prompt_templates], "prompt template")
        known = {*self.tools, *(tool for channel in self.channels for tool in channel.tools or [])}
        if unknown := [one.name for one in self.tool_definitions if one.name not in known]:
            raise ValueError(f"the definition of {unknown[0]!r} is of no tool of this configuration")
        if sum(route.share or 0 for route in self.routes) > 1:
            raise ValueError("the shares of the routes add up to more than 1")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        engine=f"{content.engine} {content.engine_version}",
        decoding="sampling" if content.decoding.do_sample else "greedy",
        context_length=content.context_length,
        tools=", ".join(content.tools) or "none",
        prompt_templates=", ".join(one.name for one in content.prompt_templates),
        filters=", ".join(ref.subject for ref in content.filters) or "none",
        channels=", ".join(channel.name for channel in content.channels),
        intermediate_tokens=content.cot_visibility,
        audience=content.audience,
    )


def references(content: Content) -> list[Reference]:
    filters = [*content.filters, *(ref for channel in content.channels for ref in channel.filters or [])]
    prompts = [channel.system_prompt for channel in content.channels if channel.system_prompt]
    named = [
        *(("filter", ref) for ref in filters),
        *(("system_prompt", ref) for ref in prompts),
        *(("route", route.model) for route in content.routes),
    ]
    found = [reference for role, ref in named for reference in pinned(role, ref)]
    return list(dict.fromkeys(found))


INTEGRATION = ("system_types", "technical_means", "hardware", "software")
"""What only those who build upon it need to know."""


def above(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((name, "D") for name in INTEGRATION if content.get(name))


KIND = Kind(
    "deployment", "Deployment configuration", "Deployment configurations", "deployment/1", Content, summary,
    references, above=above,
)  # fmt: skip
