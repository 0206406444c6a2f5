"""Weights with tokenizer and chat template, or an address where somebody serves them. What trained them is an activity."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from governance.registry.kinds.base import Gap, Hex, Kind, KindContent, Text, shown
from governance.registry.kinds.fields import FileList, Line, Prose

Modality = Literal["text", "image", "audio", "video"]
HELD: dict[str, tuple[str, ...]] = {
    "copied": ("architecture", "parameters", "dtype", "weights_digest", "tokenizer_digest", "files"),
    "manifest": ("place", "manifest"),
    "elsewhere": ("source",),
    "endpoint": ("endpoint",),
}
"""How the weights are held → the fields that must then be filled."""
NOT_HELD: dict[str, tuple[str, ...]] = {
    "copied": ("manifest", "place", "endpoint"),
    "manifest": ("files", "endpoint"),
    "elsewhere": ("files", "manifest", "place", "endpoint"),
    "endpoint": ("files", "manifest", "place", "weights_digest", "tokenizer_digest"),
}
"""How the weights are held → the fields that must then be empty."""


def _reachable(address: str) -> str:
    try:
        port = urlsplit(address).port
    except ValueError as error:
        raise ValueError(f"this is no address: {error}") from error
    if port == 0:
        raise ValueError("this is no address: port 0")
    return address


Address = Annotated[
    str,
    Field(
        # So narrow that no two parsers can read two different hosts in it.
        pattern=r"^https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
        max_length=500,
    ),
    AfterValidator(_reachable),
]
"""`http://` or `https://` with a host in lower case: no user, no password, no query, no fragment."""
KeyVariable = Annotated[str, Field(pattern=r"^(CHARTER_ENDPOINT_KEY_[A-Z0-9_]{1,60})?$")]
"""Only names of this form: whoever registers a model must not be able to send another secret of the worker away."""


class Endpoint(KindContent):
    """An address that speaks OpenAI's protocol. The key is no part of it, only the name of the variable that holds it."""

    later: ClassVar[frozenset[str]] = frozenset({"max_completion_tokens", "no_temperature"})

    base_url: Address
    """Address before `/chat/completions` or `/completions`, such as `https://api.example.com/v1`."""
    model: str = Field(min_length=1, max_length=200)
    """Name of the model that is asked for."""
    key_variable: KeyVariable = ""
    """Environment variable of the worker that holds the key: `CHARTER_ENDPOINT_KEY_` and a name. Empty: no key is sent."""
    flavour: Literal["chat", "completions"] = "chat"
    """Whether it takes messages and applies a chat template itself, or takes a text that it goes on with."""
    timeout_seconds: int = Field(default=60, ge=1, le=3_600)
    """Seconds that one answer may take."""
    retries: int = Field(default=4, ge=0, le=10)
    """How often a request is sent again after an error that may pass (no connection, 408, 429, 5xx, an unreadable answer)."""
    max_completion_tokens: bool = False
    """Whether the longest response is sent as `max_completion_tokens` in place of `max_tokens`, which some refuse."""
    no_temperature: bool = False
    """Whether requests leave `temperature` out, which some refuse; how freely answers are drawn is then not known."""


class BuiltFrom(KindContent):
    """What went into a base model before anybody here trained it."""

    what: Literal[
        "instruction data", "preference data", "distillation", "safety tuning", "synthetic data", "other"
    ]
    """Kind of ingredient."""
    description: Text
    """What it was, and how much of it."""
    source: Line = ""
    """Where its provider says so."""


class Content(KindContent):
    description: Text
    """What it is."""
    architecture: Line = ""
    """Class name in transformers, such as LlamaForCausalLM."""
    parameters: int | None = Field(default=None, ge=1)
    """Number of trained values, tied ones counted once."""
    dtype: Line = ""
    """Number format of the tensors."""
    weights_digest: Hex | None = None
    """SHA-256 over the sorted (tensor name, dtype, shape, SHA-256 of bytes): the same however the tensors are sharded."""
    tokenizer_digest: Hex | None = None
    """SHA-256 of the tokenizer's file."""
    chat_template_digest: Hex | None = None
    """SHA-256 of the chat template's text."""
    context_length: int | None = Field(default=None, ge=1)
    """Longest input, in tokens."""
    vocabulary: int | None = Field(default=None, ge=1)
    """Number of tokens that it knows."""
    modalities_in: list[Modality] = Field(default=["text"], min_length=1)
    """What it reads."""
    modalities_out: list[Modality] = Field(default=["text"], min_length=1)
    """What it writes."""
    licence: str = ""
    """SPDX identifier, or the licence's own name."""
    origin: Literal["pretrained", "post-trained", "imported"]
    """Whether somebody pretrained it, a run here trained it further, or it was brought in."""
    source: str = ""
    """Where an imported model comes from: an address or a repository's name."""
    revision: Line = ""
    """Commit or release name at that source."""
    built_from: list[BuiltFrom] = Field(default_factory=list)
    """What its provider folded in before any recorded post-training."""
    held: Literal["copied", "manifest", "elsewhere", "endpoint"] = "copied"
    """Whether the bytes are here, known by their hashes alone and never loaded, not held at all, or served at an address."""
    endpoint: Endpoint | None = None
    """Where a model is served that can only be asked."""
    place: Prose = ""
    """Where the files of a manifest lie."""
    manifest: FileList = Field(default_factory=list)
    """Files that are known by size and hash alone."""
    gaps: list[Gap] = Field(default_factory=list)
    """What is not told, and why."""
    files: FileList = Field(default_factory=list)
    """Files of a copied model, held here."""

    @model_validator(mode="after")
    def _is_held_as_it_says(self) -> "Content":
        unknown = {gap.field for gap in self.gaps}
        if missing := [name for name in HELD[self.held] if getattr(self, name) in (None, "", [])]:
            raise ValueError(f"{missing[0]} is needed for a model that is held as {self.held!r}")
        if surplus := [name for name in NOT_HELD[self.held] if getattr(self, name)]:
            raise ValueError(f"{surplus[0]} must be empty for a model that is held as {self.held!r}")
        if self.weights_digest is None and "weights_digest" not in unknown:
            raise ValueError("weights_digest is neither given nor named as a gap with its reason")
        return self

    @model_validator(mode="after")
    def _built_from_is_told_or_missing(self) -> "Content":
        if self.built_from and any(gap.field == "built_from" for gap in self.gaps):
            raise ValueError("built_from is filled and named as a gap")
        return self


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        architecture=content.architecture,
        parameters=content.parameters and f"{content.parameters:,}",
        dtype=content.dtype,
        context_length=content.context_length,
        licence=content.licence or "not recorded",
        origin=content.origin,
        source=" ".join(filter(None, (content.source, content.revision))),
        held=content.held if content.held != "copied" else None,
        endpoint=content.endpoint and f"{content.endpoint.model} at {content.endpoint.base_url}",
        weights=content.weights_digest,
    )


FOR_AUTHORITIES = (
    "tokenizer_digest",
    "chat_template_digest",
    "files",
    "manifest",
    "place",
    "endpoint",
    "revision",
)
"""What tells whether somebody has the same files; the digest of the weights names the model and is for everybody."""


def above(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((name, "R") for name in FOR_AUTHORITIES if content.get(name))


KIND = Kind("model", "Model", "Models", "model/1", Content, summary, above=above)
