"""Parts of a dataset's record: what it was mixed from, what was done to it, and on which terms it was got."""

from typing import Literal

from pydantic import Field

from governance.registry.kinds.base import KindContent, Ref, Text
from governance.registry.kinds.fields import Line, OptionalDate, Prose
from governance.registry.licences import is_non_commercial

SourceType = Literal["public", "licensed", "crawled", "user", "synthetic", "human", "other"]


class Component(KindContent):
    """One of the sets that a mixture was put together from."""

    name: Text
    """Its name at its source."""
    ref: Ref | None = None
    """The dataset here that it is, if it is registered."""
    rows: int = Field(ge=0)
    """Rows that the component has."""
    used: int | None = Field(default=None, ge=0)
    """Rows that were taken or sampled from it, where not all of them."""
    licence: Line = ""
    """SPDX identifier, or the licence's own name."""
    source_type: SourceType
    """Where its rows come from."""
    source: Line = ""
    """Where it was got: an address with a commit, a person, a programme."""
    non_commercial: bool | None = None
    """Whether its terms forbid commercial use; left out, the licence's name decides."""

    @property
    def forbids_commercial_use(self) -> bool:
        return is_non_commercial(self.licence) if self.non_commercial is None else self.non_commercial


class ProcessingStep(KindContent):
    """One thing that was done to the rows."""

    method: Text
    """What was done, such as exact deduplication or 8-gram decontamination."""
    purpose: Text
    """Why."""
    implementation: Line = ""
    """Program, version and settings."""
    rows_removed: int | None = Field(default=None, ge=0)
    """Rows that it took out."""


class Crawler(KindContent):
    """A program that collected rows from the web."""

    name: Text
    """User agent or name."""
    purpose: Line = ""
    """What it was sent for."""
    opt_out: Prose = ""
    """Which reservations it respects, such as robots.txt."""
    period_from: OptionalDate = ""
    """First day, YYYY-MM-DD."""
    period_to: OptionalDate = ""
    """Last day, YYYY-MM-DD."""
    domains: list[Line] = Field(default_factory=list)
    """The sites that gave most."""


class UserData(KindContent):
    """Terms under which what users wrote became rows."""

    products: list[Line] = Field(min_length=1)
    """Products in which it was written."""
    notice: Prose = ""
    """What users were told, and where."""
    consent: Prose = ""
    """How they agreed."""
    opt_out: Prose = ""
    """How they object, and what then happens."""
    retention: Prose = ""
    """How long it is kept."""
    deletion: Prose = ""
    """How it is deleted on request."""


class LicensedSource(KindContent):
    """A source that was licensed for this purpose."""

    source: Text
    """Whose data it is."""
    terms: Prose = ""
    """What the agreement allows."""
    compensation: Line = ""
    """What was paid, or that nothing was."""


class SyntheticGeneration(KindContent):
    """How a program or a model made rows (card schema: `synthetic`)."""

    generator: Text
    """Model or program that wrote the rows."""
    generator_version: Text
    """Its version, commit or date."""
    prompt_template: Prose = ""
    """The prompt that it was given, with places for what changes."""
    sampling: Line = ""
    """Sampling settings, or the seed of a program."""
    filter: Prose = ""
    """What was thrown away, and by which rule."""
    purpose: Text
    """What the rows shall teach."""


class Datasheet(KindContent):
    """Datasheets for Datasets (Gebru et al. 2021), as far as no other field answers its questions."""

    motivation: Prose = ""
    """For what purpose it was made, by whom, and who paid for it."""
    composition: Prose = ""
    """What an instance is, whether it is a sample and of what, labels, missing values, splits, errors."""
    collection: Prose = ""
    """How it was collected and sampled, and in which time."""
    ethical_review: Prose = ""
    """Which board looked at it, and what it decided."""
    consent: Prose = ""
    """Whether the people in it were told and agreed, and how they withdraw."""
    preprocessing: Prose = ""
    """Cleaning and labelling beyond the steps in `processing`; whether the raw data is kept."""
    uses: Prose = ""
    """What it has been used for, and could be."""
    unsuitable_uses: Prose = ""
    """What it should not be used for."""
    distribution: Prose = ""
    """To whom it is given, how and from when."""
    maintenance: Prose = ""
    """Who looks after it, how errors are told, when it changes and how long versions are kept."""
