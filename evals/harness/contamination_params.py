"""Datasets are searched for the items of evaluations: what was trained on cannot be measured any more."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from training.methods import Fraction, MethodParams

RULES: dict[str, tuple[int, Decimal]] = {
    "tulu3": (8, Decimal("0.5")),
    "gpt3": (13, Decimal(0)),
    "substring": (50, Decimal(0)),
}
"""Rule → (length of a shared run in its units, share of an item that must be exceeded)."""
DEFAULT = "tulu3"


class Params(MethodParams):
    """Parameters of the stage `contamination`."""

    rule: Literal["tulu3", "gpt3", "substring"] = "tulu3"
    """`tulu3` and `gpt3` compare runs of lower-cased words, `substring` runs of letters and digits without anything between them."""
    n: int = Field(default=None, ge=2, le=1000, validate_default=True)
    """Length of a shared run: words (8 for tulu3, 13 for gpt3) or characters (50 for substring) unless given."""
    share: Fraction = Field(default=None, ge=0, lt=1, validate_default=True)
    """An item is contaminated if more than this share of it lies in runs shared with one row: 0.5 for tulu3, 0 for the others
    unless given."""
    set_threshold: Fraction = Field(default=Decimal("0.02"), ge=0, lt=1)
    """An evaluation is flagged if more than this share of the items of one of its tasks is contaminated."""
    action: Literal["mark", "remove"] = "mark"
    """`mark` reports; `remove` also makes the next version of each dataset, without the rows that contaminate an item."""
    listed_rows: int = Field(default=100, ge=1, le=10_000)
    """Most rows of a dataset that are listed for one item; all of them are counted."""

    @model_validator(mode="before")
    @classmethod
    def _as_the_rule_has_it(cls, given: Any) -> Any:
        """`n` and `share` of the rule where none are given, so that the frozen spec says what was meant."""
        if not isinstance(given, Mapping):
            return given
        rule = given.get("rule")
        n, share = RULES.get(rule if isinstance(rule, str) else DEFAULT, RULES[DEFAULT])
        own = {"n": n, "share": share}
        return {**given, **{name: value for name, value in own.items() if given.get(name) is None}}
