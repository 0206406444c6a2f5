"""Rows to train on: counted and hashed row by row, with all that is known of where they come from and who made them."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

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
from governance.registry.kinds.dataset_parts import (
    Component,
    Crawler,
    Datasheet,
    LicensedSource,
    ProcessingStep,
    SourceType,
    SyntheticGeneration,
    UserData,
)
from governance.registry.kinds.fields import AnyCite, FileList, Language, Line, Prose, used_once
from governance.registry.licences import is_non_commercial

Format = Literal[
    "text", "messages", "prompt-completion", "prompt-only", "preference", "implicit-preference", "hh-rlhf",
    "unpaired-preference", "ranking", "items",
]  # fmt: skip
HELD: dict[str, tuple[str, ...]] = {"copied": ("format", "rows_digest", "files"), "elsewhere": ("source",)}
"""How the rows are held → the fields that must then be filled."""
NOT_HELD: dict[str, tuple[str, ...]] = {"copied": (), "elsewhere": ("rows_digest", "files", "columns")}
"""How the rows are held → the fields that must then be empty."""


def _of_kinds(*kinds: str) -> AfterValidator:
    """A check that a reference names a version of one of these kinds."""

    def check(ref: Ref) -> Ref:
        if ref.subject.partition(":")[0] not in kinds:
            raise ValueError(f"{ref.subject} is no {' or '.join(kinds)}")
        return ref

    return AfterValidator(check)


class LabelSource(KindContent):
    """Who decided on the labels, as shares of the rows that add up to 1."""

    human: Fraction = Field(ge=0, le=1)
    """Share that people labelled."""
    ai: Fraction = Field(ge=0, le=1)
    """Share that a model labelled."""
    rule: Fraction = Field(ge=0, le=1)
    """Share that a program labelled, such as a test or a comparison with a known answer."""

    @model_validator(mode="after")
    def _shares_add_up(self) -> "LabelSource":
        if self.human + self.ai + self.rule != 1:
            raise ValueError("the shares human, ai and rule must add up to 1")
        return self


class Content(KindContent):
    later: ClassVar[frozenset[str]] = frozenset({"cites"})

    description: Text
    """What the rows are, in one or two sentences."""
    held: Literal["copied", "elsewhere"] = "copied"
    """Whether the rows are here, or known by name only, as those of a mixture that somebody else released."""
    format: Format | None = None
    """Shape of a row: TRL's formats, HH-RLHF transcripts, K-wise rankings or evaluation items."""
    conversational: bool = False
    """Whether prompts and answers are lists of messages, or transcripts of them, rather than text."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Column of the format → its name in the file, where they differ."""
    rows: int = Field(ge=1)
    """Number of rows: counted where they are copied, stated by the source where they are held elsewhere."""
    rows_digest: Hex | None = None
    """SHA-256 over the concatenated SHA-256 of each row's RFC 8785 bytes, in file order."""
    licence: Line = ""
    """SPDX identifier, or the licence's own name."""
    source_type: SourceType
    """Where most rows come from; where the parts differ, each component says its own."""
    source: Line = ""
    """Where the rows come from: an address with a commit, a person, a programme."""
    mixture: list[Component] = Field(default_factory=list)
    """What the set was put together from."""
    stated_rows: int | None = Field(default=None, ge=1)
    """Total that the source states for the mixture."""
    sum_difference_reason: Prose = ""
    """Why the components do not add up to `stated_rows`; needed where they do not."""
    processing: list[ProcessingStep] = Field(default_factory=list)
    """What was done to the rows, in order."""
    crawlers: list[Crawler] = Field(default_factory=list)
    """Programs that collected rows from the web."""
    user_data: UserData | None = None
    """Terms under which what users wrote became rows."""
    licensed: list[LicensedSource] = Field(default_factory=list)
    """Sources that were licensed for this purpose."""
    synthetic: list[SyntheticGeneration] = Field(default_factory=list)
    """How programs and models made rows, one entry each."""
    languages: list[Language] = Field(default_factory=list)
    """BCP 47 tags of the languages in at least 1% of the rows."""
    domains: list[Line] = Field(default_factory=list)
    """What the rows are about, such as mathematics, law or small talk."""
    annotators: list[Annotated[Ref, _of_kinds("annotator-pool")]] = Field(default_factory=list)
    """The people who wrote or labelled the rows."""
    guidelines: list[Annotated[Ref, _of_kinds("guideline", "constitution", "policy")]] = Field(
        default_factory=list
    )
    """The instructions by which rows were written or labelled."""
    cites: list[AnyCite] = Field(default_factory=list)
    """Principles and rules that all rows teach or were labelled by; those of single rows stand in their column `principle`."""
    label_source: LabelSource | None = None
    """Shares of labels by people, models and programs."""
    personal_data: Prose = ""
    """What personal data the rows hold, and how that was found out."""
    sensitive: Prose = ""
    """Other sensitive information (health, beliefs, confidential matters), and what was filtered."""
    illegal_content: Prose = ""
    """Measures against illegal content, and how rights holders' reservations were respected."""
    unsuitable_bias: Prose = ""
    """Measures to find unsuitable sources and identifiable bias, and what they found."""
    access: Prose = ""
    """Who outside may get at the rows, and how."""
    replicability: Prose = ""
    """What somebody else needs to build the set again."""
    datasheet: Datasheet | None = None
    """Answers to the questions of Datasheets for Datasets that no other field answers."""
    derived_from: list[Ref] = Field(default_factory=list)
    """Datasets here that the rows were made from."""
    gaps: list[Gap] = Field(default_factory=list)
    """Fields that are empty for a reason."""
    files: FileList = Field(default_factory=list)
    """The file with the rows."""

    @model_validator(mode="after")
    def _is_held_as_it_says(self) -> "Content":
        if missing := [name for name in HELD[self.held] if getattr(self, name) in (None, "", [])]:
            raise ValueError(f"{missing[0]} is needed for a dataset that is held as {self.held!r}")
        if surplus := [name for name in NOT_HELD[self.held] if getattr(self, name)]:
            raise ValueError(f"{surplus[0]} must be empty for a dataset that is held as {self.held!r}")
        return self

    @model_validator(mode="after")
    def _mixture_adds_up(self) -> "Content":
        used_once([component.name for component in self.mixture], "component")
        total = mixture_rows(self.mixture)
        if self.stated_rows is not None and not self.mixture:
            raise ValueError("stated_rows speaks of a mixture, and there is none")
        if self.stated_rows not in (None, total) and not self.sum_difference_reason.strip():
            raise ValueError(
                f"the components add up to {total:,} rows and stated_rows is {self.stated_rows:,}; correct one of them, or say why "
                "in sum_difference_reason"
            )
        if self.sum_difference_reason and self.stated_rows in (None, total):
            raise ValueError("sum_difference_reason explains a difference, and there is none")
        return self


def mixture_rows(mixture: Sequence[Component]) -> int:
    """Rows of all components: those that were used where that is told, else all."""
    return sum(part.rows if part.used is None else part.used for part in mixture)


def forbids_commercial_use(content: Content) -> bool:
    """Whether the licence of the set or of any component says that commercial use is not allowed."""
    return is_non_commercial(content.licence) or any(part.forbids_commercial_use for part in content.mixture)


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        rows=f"{content.rows:,}",
        format=_format(content),
        held="elsewhere: known by name, the rows are not here" if content.held == "elsewhere" else None,
        licence=content.licence or "not recorded",
        commercial_use="not allowed by a licence below" if forbids_commercial_use(content) else None,
        source_type=content.source_type,
        source=content.source,
        components=len(content.mixture) or None,
        stated_rows=content.stated_rows and _stated(content),
        languages=", ".join(content.languages),
        personal_data=content.personal_data,
        generators=", ".join(f"{one.generator} ({one.generator_version})" for one in content.synthetic),
    )


def _format(content: Content) -> str:
    return f"{content.format or 'not recorded'}{', conversational' if content.conversational else ''}"


def _stated(content: Content) -> str:
    total = mixture_rows(content.mixture)
    same = content.stated_rows == total
    return (
        f"{content.stated_rows:,}, as the components add up"
        if same
        else f"{content.stated_rows:,}; the components add up to {total:,}"
    )


def references(content: Content) -> list[Reference]:
    components = [part.ref for part in content.mixture if part.ref]
    roles = {
        "derived_from": content.derived_from,
        "component_of": components,
        "annotators": content.annotators,
        "guideline": content.guidelines,
    }
    return [found for role, refs in roles.items() for ref in refs for found in pinned(role, ref)]


FOR_AUTHORITIES = ("licensed", "unsuitable_bias")


def above(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((name, "R") for name in FOR_AUTHORITIES if content.get(name))


KIND = Kind("dataset", "Dataset", "Datasets", "dataset/1", Content, summary, references, above=above)
