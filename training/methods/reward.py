"""Reward model: learns from pairs of answers which of two people preferred (Bradley and Terry 1952)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field

from training.methods import Fraction, Metric, RoleSpec, read
from training.methods.common import CURVE, PreferenceParams

TITLE = "Reward model"

ROLES = {
    "init_from": RoleSpec(kinds=("model",)),
    "trained_on": RoleSpec(kinds=("dataset",), many=True),
    "evaluated_on": RoleSpec(kinds=("dataset",), required=False, many=True),
    "guideline": RoleSpec(kinds=("guideline",), required=False),
    "constitution": RoleSpec(kinds=("constitution",), required=False),
}

METRICS = {
    "loss": Metric(
        "nats per pair", "lower", "Negative log of the probability given to the preferred answer."
    ),
    "accuracy": Metric("share", "higher", "Training pairs whose preferred answer has the higher reward."),
    "margin": Metric("reward", "higher", "Mean reward of the preferred answer minus that of the other."),
    "mean_reward": Metric("reward", "neither", "Mean reward over all answers."),
    "min_reward": Metric("reward", "neither", "Lowest reward in a batch."),
    "max_reward": Metric("reward", "neither", "Highest reward in a batch."),
    **CURVE,
}


class Params(PreferenceParams):
    """What the training of a reward model may set."""

    learning_rate: Fraction = Field(default=Decimal("0.00001"), gt=0, le=1)
    """Highest step size of the optimizer. Small models want more (0.001)."""
    center_rewards_coefficient: Fraction = Field(default=Decimal(0), ge=0, le=10)
    """Weight of a term that keeps rewards around zero (arXiv:2312.09244, equation 2, suggests 0.01); 0 leaves it out."""


def validate(params: Mapping[str, Any]) -> Params:
    """The parameters with their defaults; raises BadParams naming each wrong field and, for an unknown one, the nearest."""
    return read(Params, params, where="params")
