"""Direct preference optimization: learns from pairs of answers without a reward model (Rafailov et al. 2023)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from training.methods import Fraction, Metric, RoleSpec, read
from training.methods.common import CURVE, PreferenceParams

TITLE = "Direct preference optimization"

ROLES = {
    "init_from": RoleSpec(kinds=("model",)),
    "reference_model": RoleSpec(kinds=("model",), required=False),
    "trained_on": RoleSpec(kinds=("dataset",), many=True),
    "evaluated_on": RoleSpec(kinds=("dataset",), required=False, many=True),
    "reward": RoleSpec(kinds=("reward-model",), required=False),
    "constitution": RoleSpec(kinds=("constitution",), required=False),
    "guideline": RoleSpec(kinds=("guideline",), required=False),
}

METRICS = {
    "loss": Metric("nats per pair", "lower", "The loss that `loss_type` names, with the terms added to it."),
    "rewards/chosen": Metric(
        "nats", "higher", "beta times the log ratio of model to reference, preferred answers."
    ),
    "rewards/rejected": Metric("nats", "lower", "The same for the other answers."),
    "rewards/accuracies": Metric(
        "share", "higher", "Training pairs whose preferred answer has the higher such reward."
    ),
    "rewards/margins": Metric(
        "nats", "higher", "Such reward of the preferred answer minus that of the other."
    ),
    "logps/chosen": Metric("nats", "higher", "Log probability of the preferred answers under the model."),
    "logps/rejected": Metric("nats", "lower", "Log probability of the other answers under the model."),
    "logits/chosen": Metric("logit", "neither", "Mean raw output of the model on the preferred answers."),
    "logits/rejected": Metric("logit", "neither", "Mean raw output of the model on the other answers."),
    "mean_token_accuracy": Metric(
        "share", "higher", "How often the likeliest token is the preferred answer's."
    ),
    "entropy": Metric("nats per token", "neither", "Mean entropy of the model's next-token distribution."),
    **CURVE,
}


class Params(PreferenceParams):
    """What a run of direct preference optimization may set."""

    learning_rate: Fraction = Field(default=Decimal("0.000001"), gt=0, le=1)
    """Highest step size of the optimizer. Small models want more (0.0005)."""
    beta: Fraction = Field(default=Decimal("0.1"), gt=0, le=100)
    """How much it costs to leave the reference model; for `ipo` its τ. `sigmoid_norm` wants about 5."""
    loss_type: Literal["sigmoid", "ipo", "hinge", "robust", "sigmoid_norm"] = "sigmoid"
    """`sigmoid` is the paper's; `ipo` arXiv:2310.12036; `hinge` arXiv:2305.10425; `robust` arXiv:2403.00409; `sigmoid_norm` by length, as in Tulu 3."""
    label_smoothing: Fraction = Field(default=Decimal(0), ge=0, lt=Decimal("0.5"))
    """Probability that a preference was recorded the wrong way round; only `robust` reads it."""
    nll_weight: Fraction = Field(default=Decimal(0), ge=0, le=100)
    """Weight of the preferred answer's cross entropy, added to the loss so that its probability does not fall (Llama 3: 0.2)."""
    answer_tokens: int = Field(default=64, ge=1, le=4096)
    """Longest answer, in tokens, when a reward model in the role `reward` scores the answers to the held-out prompts."""

    @model_validator(mode="after")
    def _smoothing_is_read(self) -> "Params":
        if self.label_smoothing and self.loss_type != "robust":
            raise ValueError(
                f"label_smoothing: the loss {self.loss_type} does not read it; use loss_type: robust, or leave it out"
            )
        return self


def validate(params: Mapping[str, Any]) -> Params:
    """The parameters with their defaults; raises BadParams naming each wrong field and, for an unknown one, the nearest."""
    return read(Params, params, where="params")
