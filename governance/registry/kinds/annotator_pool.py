"""Who labelled or wrote data, for whom, for what pay and under which protection. It holds groups, never persons."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import (
    Fraction,
    Gap,
    Kind,
    KindContent,
    Ref,
    Reference,
    Text,
    pinned,
    plain,
    shown,
)
from governance.registry.kinds.fields import (
    Id,
    Language,
    Line,
    OptionalDate,
    Prose,
    gaps_name_fields,
    of_kinds,
    used_once,
)

SMALLEST_GROUP = 5
"""Groups of fewer people are refused: they could be recognised (k-anonymity)."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 code."""
PERSON = re.compile(
    r"""(?x) \b A (?=[A-Z]*[0-9]) [A-Z0-9]{11,20} \b      # Mechanical Turk
    | \b (?=[a-f]*[0-9]) [0-9a-f]{24} \b                  # Prolific
    | [^\s@]{1,64} @ [^\s@.]{1,63} \. [^\s@]                # e-mail
    """
)
MAY_NAME = frozenset({"contact", "owner", "subject", "digest"})
"""Fields that name an office, a person who answers, or another version."""


class Vendor(KindContent):
    name: Text
    """Name of the firm or platform."""
    role: Line = ""
    """What it does, such as platform, employer or subcontractor."""
    under: Line = ""
    """Vendor that passes the work on to it."""


class Country(KindContent):
    country: str = Field(pattern=r"^[A-Z]{2}$")
    """ISO 3166-1 code."""
    share: Fraction = Field(ge=Decimal("0.25"), le=1)
    """Share of the labour, between 0.25 and 1."""


class Pay(KindContent):
    amount: Fraction = Field(gt=0)
    """Sum for one unit."""
    currency: Currency
    """ISO 4217 code."""
    unit: Literal["hour", "day", "month", "item", "task"]
    """What the sum is paid for."""
    note: Line = ""
    """Bonuses, deductions, what the sum is before or after."""


class EffectivePay(KindContent):
    """What an hour of work earned."""

    median: Fraction = Field(ge=0)
    """Median over workers."""
    tenth_percentile: Fraction | None = Field(default=None, ge=0)
    """Nine of ten workers earned more."""
    currency: Currency
    """ISO 4217 code."""
    method: Text
    """How time was measured, and what counts as work."""
    reference_wage: Fraction | None = Field(default=None, gt=0)
    """Wage per hour in the same currency that it is held against."""
    reference: Line = ""
    """Whose wage that is, and where it is stated."""


class Exposure(KindContent):
    """Contact with harmful content."""

    exposed: bool
    """Whether there was any."""
    hours_per_week: Fraction | None = Field(default=None, ge=0, le=168)
    """Hours on harm-tagged items per worker and week."""
    description: Prose = ""
    """What kind of content."""


class Group(KindContent):
    dimension: Id
    """What it is counted by, such as gender, age or country."""
    group: Text
    """Name of the group."""
    people: int = Field(ge=1)
    """Number of people, at least 5."""


class Agreement(KindContent):
    metric: Text
    """Such as Krippendorff's alpha or share of equal labels."""
    value: Fraction = Field(ge=-1, le=1)
    """Between -1 and 1."""
    items: int = Field(ge=1)
    """Number of items behind the value."""
    scope: Line = "all"
    """Which labels: all, one group, one version of the guideline."""


class Content(KindContent):
    title: Text
    """Heading of the page."""
    description: Prose = ""
    """What the work was."""
    vendors: list[Vendor] = Field(default_factory=list)
    """Source of the labour and the chain of vendors."""
    workers: int | None = Field(default=None, ge=1)
    """Number of people."""
    period_from: OptionalDate = ""
    """First day of the work, YYYY-MM-DD."""
    period_to: OptionalDate = ""
    """Last day of the work, YYYY-MM-DD."""
    recruitment: Prose = ""
    """How people were found."""
    screening: Prose = ""
    """How they were chosen."""
    countries: list[Country] = Field(default_factory=list)
    """Countries with at least a quarter of the labour."""
    languages: list[Language] = Field(default_factory=list)
    """BCP 47 tags."""
    pay: list[Pay] = Field(default_factory=list)
    """What was paid, for what unit."""
    effective_pay: EffectivePay | None = None
    """What an hour of work earned."""
    paid_training: bool | None = None
    """Whether training is paid."""
    paid_qualification: bool | None = None
    """Whether qualification tests are paid."""
    training: Prose = ""
    """What they were taught, and for how long."""
    hours_total: Fraction | None = Field(default=None, gt=0)
    """Hours of all workers together."""
    hours_per_week: Fraction | None = Field(default=None, gt=0, le=168)
    """Hours per worker and week."""
    harmful_content: Exposure | None = None
    """Contact with harmful content."""
    protections: Prose = ""
    """Protection and counselling that workers have."""
    guidelines: list[Annotated[Ref, of_kinds("guideline", "constitution", "policy")]] = Field(
        default_factory=list
    )
    """Rater guidelines that they worked by."""
    demographics: list[Group] = Field(default_factory=list)
    """Summary by group; no group and no remainder of fewer than 5 people."""
    annotations_per_item: Fraction | None = Field(default=None, gt=0)
    """Labels for each item, on average."""
    agreement: list[Agreement] = Field(default_factory=list)
    """How far workers agreed."""
    merge_rule: Prose = ""
    """How several labels of one item become one."""
    rejection: Prose = ""
    """When work is rejected, and what follows for pay."""
    rejection_rate: Fraction | None = Field(default=None, ge=0, le=1)
    """Share of work that was rejected."""
    appeal: Prose = ""
    """How a worker contests a rejection."""
    consent: Prose = ""
    """What they agreed to, reuse of their work included."""
    withdrawal: Prose = ""
    """How they withdraw, and what happens to their work."""
    policy_writers: Prose = ""
    """Who wrote what the workers apply."""
    review_body: Prose = ""
    """Ethics board or the like that looked at it, with its decision."""
    contact: Line = ""
    """Where workers and readers turn."""
    source: Line = ""
    """Where these statements come from."""
    gaps: list[Gap] = Field(default_factory=list)
    """What is not known, each with its reason."""

    @model_validator(mode="after")
    def _shares_add_up(self) -> "Content":
        used_once([one.country for one in self.countries], "country")
        if sum(one.share for one in self.countries) > 1:
            raise ValueError("the shares of the countries add up to more than 1")
        gaps_name_fields(self, self.gaps, reasons=True)
        return self

    @model_validator(mode="after")
    def _groups_hide_everybody(self) -> "Content":
        for one in self.demographics:
            if one.people < SMALLEST_GROUP:
                raise ValueError(
                    f"demographics: {one.dimension} {one.group!r} has fewer than {SMALLEST_GROUP} people; "
                    "merge it with another group"
                )
        for dimension in dict.fromkeys(one.dimension for one in self.demographics):
            self._check_remainder(dimension)
        return self

    def _check_remainder(self, dimension: str) -> None:
        groups = [one for one in self.demographics if one.dimension == dimension]
        used_once([one.group for one in groups], f"group of {dimension}")
        if self.workers is None:
            return
        rest = self.workers - sum(one.people for one in groups)
        if rest < 0:
            raise ValueError(
                f"demographics: the groups of {dimension} hold more people than there are workers"
            )
        if 0 < rest < SMALLEST_GROUP:
            raise ValueError(
                f"demographics: {dimension} leaves {rest} people over, who could be recognised; merge groups"
            )

    @model_validator(mode="after")
    def _names_nobody(self) -> "Content":
        for name, text in _texts(plain(self)):
            if PERSON.search(text):
                raise ValueError(f"{name} holds what looks like a worker's id or address; leave persons out")
        return self


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in MAY_NAME:
                yield from _texts(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{name}.{index}")


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        title=content.title,
        vendors=" → ".join(vendor.name for vendor in content.vendors),
        workers=content.workers,
        countries=", ".join(f"{one.country} {one.share}" for one in content.countries),
        pay="; ".join(f"{one.amount} {one.currency} per {one.unit}" for one in content.pay),
        guidelines=", ".join(ref.subject for ref in content.guidelines),
    )


def references(content: Content) -> list[Reference]:
    return [reference for ref in content.guidelines for reference in pinned("guideline", ref)]


KIND = Kind(
    "annotator-pool", "Annotator pool", "Annotator pools", "annotator-pool/1", Content, summary, references
)
