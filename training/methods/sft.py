"""Supervised fine-tuning: the model learns to write the answers that it is shown."""

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from training.methods import Metric, RoleSpec, read
from training.methods.common import CURVE, TrainerParams

TITLE = "Supervised fine-tuning"

ROLES = {
    "init_from": RoleSpec(kinds=("model",)),
    "trained_on": RoleSpec(kinds=("dataset",), many=True),
    "constitution": RoleSpec(kinds=("constitution",), required=False),
}

METRICS = {
    "loss": Metric("nats per token", "lower", "Cross entropy on the tokens that are trained on."),
    "mean_token_accuracy": Metric("share", "higher", "How often the likeliest token is the right one."),
    "entropy": Metric("nats per token", "neither", "Mean entropy of the model's next-token distribution."),
    **CURVE,
}


class Params(TrainerParams):
    """What a supervised fine-tuning run may set."""

    assistant_only_loss: bool = True
    """Train on the assistant's words alone. Plain text has none and wants `false`."""
    packing: bool = False
    """Put several rows into one block of `max_length` tokens: faster, but attention must then keep rows apart."""

    @model_validator(mode="after")
    def _packing_keeps_rows_apart(self) -> "Params":
        if self.packing and self.attention != "flash_attention_2":
            raise ValueError(
                "packing: needs attention: flash_attention_2, since the others would let one row read the next"
            )
        return self


def validate(params: Mapping[str, Any]) -> Params:
    """The parameters with their defaults; raises BadParams naming each wrong field and, for an unknown one, the nearest."""
    return read(Params, params, where="params")
