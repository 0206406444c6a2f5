"""Weights with tokenizer and chat template. What trained them is an activity, not content."""

from typing import Literal

from pydantic import Field

from governance.registry.kinds.base import Files, Gap, Hex, Kind, KindContent, Text, shown

Modality = Literal["text", "image", "audio", "video"]


class Content(KindContent):
    description: Text
    architecture: Text
    """Class name in transformers, such as LlamaForCausalLM."""
    parameters: int = Field(ge=1)
    """Number of trained values, tied ones counted once."""
    dtype: Text
    weights_digest: Hex
    """SHA-256 over the sorted (tensor name, dtype, shape, SHA-256 of bytes): the same however the tensors are sharded."""
    tokenizer_digest: Hex
    """SHA-256 of the tokenizer's file."""
    chat_template_digest: Hex | None = None
    context_length: int | None = Field(default=None, ge=1)
    """Longest input, in tokens."""
    vocabulary: int | None = Field(default=None, ge=1)
    modalities: list[Modality] = Field(default=["text"])
    licence: str = ""
    origin: Literal["pretrained", "post-trained", "imported"]
    source: str = ""
    """Where an imported model comes from."""
    gaps: list[Gap] = Field(default_factory=list)
    files: Files


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        architecture=content.architecture,
        parameters=f"{content.parameters:,}",
        dtype=content.dtype,
        context_length=content.context_length,
        licence=content.licence or "not recorded",
        origin=content.origin,
        source=content.source,
        weights=content.weights_digest,
    )


KIND = Kind("model", "Model", "Models", "model/1", Content, summary)
