"""Weights with tokenizer and chat template. What trained them is an activity, not content."""

from typing import Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import Gap, Hex, Kind, KindContent, Text, shown
from governance.registry.kinds.fields import FileList, Line, Prose

Modality = Literal["text", "image", "audio", "video"]
HELD: dict[str, tuple[str, ...]] = {
    "copied": ("architecture", "parameters", "dtype", "weights_digest", "tokenizer_digest", "files"),
    "manifest": ("place", "manifest"),
    "elsewhere": ("source",),
}
"""How the weights are held → the fields that must then be filled."""
NOT_HELD: dict[str, tuple[str, ...]] = {
    "copied": ("manifest", "place"),
    "manifest": ("files",),
    "elsewhere": ("files", "manifest", "place"),
}
"""How the weights are held → the fields that must then be empty."""


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
    held: Literal["copied", "manifest", "elsewhere"] = "copied"
    """Whether the bytes are here, known by their hashes alone and never loaded, or not held at all."""
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
        weights=content.weights_digest,
    )


KIND = Kind("model", "Model", "Models", "model/1", Content, summary)
