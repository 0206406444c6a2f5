"""Kahneman-Tversky optimization: learns from single answers that people called good or bad (Ethayarajh et al. 2024)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from training.methods import Fraction, Metric, RoleSpec, read
from training.methods.common import CURVE, TrainerParams

TITLE = "Kahneman-Tversky optimization"

ROLES = {
    "init_from": RoleSpec(kinds=("model",)),
    "reference_model": RoleSpec(kinds=("model",), required=False),
    "trained_on": RoleSpec(kinds=("dataset",), many=True),
    "constitution": RoleSpec(kinds=("constitution",), required=False),
    "guideline": RoleSpec(kinds=("guideline",), required=False),
}

METRICS = {
    "loss": Metric("none", "lower", "Mean loss of a prospect-theoretic value function over the answers."),
    "kl": Metric("nats", "neither", "Estimated KL to the reference model, from answers to other prompts."),
    "rewards/chosen": Metric(
        "nats", "higher", "beta times the log ratio of model to reference, good answers."
    ),
    "rewards/rejected": Metric("nats", "lower", "The same for bad answers."),
    "rewards/margins": Metric("nats", "higher", "Such reward of good answers minus that of bad ones."),
    "logps/chosen": Metric("nats", "higher", "Log probability of the good answers under the model."),
    "logps/rejected": Metric("nats", "lower", "Log probability of the bad answers under the model."),
    "logits/chosen": Metric("logit", "neither", "Mean raw output of the model on the good answers."),
    "logits/rejected": Metric("logit", "neither", "Mean raw output of the model on the bad answers."),
    "entropy": Metric("nats per token", "neither", "Mean entropy of the model's next-token distribution."),
    **CURVE,
}


class Params(TrainerParams):
    """What a run of Kahneman-Tversky optimization may set."""

    learning_rate: Fraction = Field(default=Decimal("0.000001"), gt=0, le=1)
    """Highest step size of the optimizer. Small models want more (0.0005)."""
    per_device_batch_size: int = Field(default=8, ge=2, le=4096)
    """Rows that one device reads at once, two at least: the KL is estimated from the other rows of the batch."""
    beta: Fraction = Field(default=Decimal("0.1"), gt=0, le=100)
    """How much it costs to leave the reference model."""
    loss_type: Literal["kto", "apo_zero_unpaired"] = "kto"
    """`kto` is the paper's (arXiv:2402.01306), `apo_zero_unpaired` arXiv:2408.06266."""
    desirable_weight: Fraction = Field(default=Decimal(1), gt=0, le=1000)
    """Weight of a good answer. The paper wants good and bad answers, each count times its weight, within 4 to 3 of each other."""
    undesirable_weight: Fraction = Field(default=Decimal(1), gt=0, le=1000)
    """Weight of a bad answer."""


def validate(params: Mapping[str, Any]) -> Params:
    """The parameters with their defaults; raises BadParams naming each wrong field and, for an unknown one, the nearest."""
    return read(Params, params, where="params")
