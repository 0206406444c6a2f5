"""Rows to train on: counted and hashed row by row, with source, licence and, where a model wrote them, how."""

from typing import Literal

from pydantic import Field

from governance.registry.kinds.base import (
    Files,
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

SOURCE_TYPES = Literal["public", "licensed", "crawled", "user", "synthetic", "human", "other"]


class SyntheticGeneration(KindContent):
    """How a program or a model made the rows (card schema: `synthetic`)."""

    generator: Text
    """Model or program that wrote the rows."""
    generator_version: Text
    prompt_template: str = ""
    sampling: str = ""
    """Sampling settings, or the seed of a program."""
    filter: str = ""
    """What was thrown away, and by which rule."""
    purpose: Text


class Content(KindContent):
    description: Text
    format: Literal["messages", "prompt-completion", "preference", "text", "items"]
    """Shape of a row: TRL's conversational, prompt-completion, preference and language-modelling formats, or evaluation items."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Column of the format → its name in the file, where they differ."""
    rows: int = Field(ge=1)
    rows_digest: Hex
    """SHA-256 over the concatenated SHA-256 of each row's RFC 8785 bytes, in file order."""
    licence: str = ""
    """SPDX identifier, or the licence's own name."""
    source_type: SOURCE_TYPES
    source: str = ""
    """Where the rows come from: an address with a commit, a person, a programme."""
    languages: list[str] = Field(default_factory=list)
    """BCP 47 tags."""
    synthetic: SyntheticGeneration | None = None
    personal_data: str = ""
    """What personal data the rows hold, and how that was found out."""
    derived_from: list[Ref] = Field(default_factory=list)
    gaps: list[Gap] = Field(default_factory=list)
    files: Files


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        rows=f"{content.rows:,}",
        format=content.format,
        licence=content.licence or "not recorded",
        source_type=content.source_type,
        source=content.source,
        languages=", ".join(content.languages),
        personal_data=content.personal_data,
        generator=content.synthetic
        and f"{content.synthetic.generator} ({content.synthetic.generator_version})",
    )


def references(content: Content) -> list[Reference]:
    return [reference for ref in content.derived_from for reference in pinned("derived_from", ref)]


KIND = Kind("dataset", "Dataset", "Datasets", "dataset/1", Content, summary, references)
