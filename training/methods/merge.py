"""Merging: one model from several of one architecture, by averaging weights or by adding differences to a common ancestor.

Averaging: Wortsman et al. 2022 (arXiv:2203.05482), as Llama 3 does at each stage. Task arithmetic: Ilharco et al. 2022
(arXiv:2212.04089): ancestor + scale × weighted sum of (model - ancestor).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from training.methods import Fraction, MethodParams, RoleSpec, read

TITLE = "Merging"
SOURCES, ANCESTOR = "merged_from", "init_from"

ROLES = {
    SOURCES: RoleSpec(kinds=("model",), many=True),
    ANCESTOR: RoleSpec(kinds=("model",), required=False),
}

METRICS: dict[str, Any] = {}


class Params(MethodParams):
    """What a merge may set."""

    method: Literal["average", "task_arithmetic"] = "average"
    """`average`: weighted mean of the models in the role `merged_from`; `task_arithmetic`: their differences to `init_from`, added."""
    weights: list[Fraction] = Field(default_factory=list, max_length=100)
    """Weight of each model, in the order of the role; empty: all alike. An average divides by their sum."""
    scale: Fraction = Field(default=Decimal(1), ge=-10, le=10)
    """`task_arithmetic`: what the sum of the differences is multiplied by."""

    @model_validator(mode="after")
    def _weights_can_be_averaged(self) -> "Params":
        if self.method == "average" and self.weights and sum(self.weights) == 0:
            raise ValueError("weights: their sum is 0, so there is no average")
        if self.method == "average" and self.scale != 1:
            raise ValueError("scale: belongs to task_arithmetic; an average has none")
        return self


def validate(params: Mapping[str, Any]) -> Params:
    """The parameters with their defaults; raises BadParams naming each wrong field and, for an unknown one, the nearest."""
    return read(Params, params, where="params")
