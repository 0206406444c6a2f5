"""Supervised fine-tuning: the model learns to write the answers that it is shown."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from training.methods import Fraction, MethodParams, Metric, RoleSpec, read

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
    "grad_norm": Metric("norm", "neither", "L2 norm of the gradient before clipping."),
    "learning_rate": Metric("rate", "neither", "The optimizer's step size at this step."),
    "num_tokens": Metric("tokens", "neither", "Tokens read since the start, padding left out."),
    "epoch": Metric("epochs", "neither", "How often the data has been read."),
}


class Params(MethodParams):
    """What a supervised fine-tuning run may set. The seed stands beside it, in the run's spec."""

    max_steps: int | None = Field(default=None, ge=1, le=10_000_000)
    """Optimizer steps to take. Give this or `epochs`; where neither is given, `epochs` is 1."""
    epochs: Fraction | None = Field(default=None, gt=0, le=1000)
    """How often to read the data; fractions are allowed."""
    learning_rate: Fraction = Field(default=Decimal("0.00002"), gt=0, le=1)
    """Highest step size of the optimizer. Small models want more (0.0005), large ones less (0.00001)."""
    lr_scheduler: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    """How the learning rate goes on after the warm-up."""
    warmup_steps: int = Field(default=0, ge=0, le=1_000_000)
    """Steps in which the learning rate rises from zero."""
    weight_decay: Fraction = Field(default=Decimal(0), ge=0, le=1)
    """Share of each weight taken away in a step, times the learning rate (AdamW)."""
    max_grad_norm: Fraction = Field(default=Decimal(1), ge=0)
    """Gradients longer than this are cut to it; 0 cuts nothing."""
    per_device_batch_size: int = Field(default=8, ge=1, le=4096)
    """Rows that one device reads at once; what memory allows."""
    gradient_accumulation: int = Field(default=1, ge=1, le=4096)
    """Batches summed up before a step: the effective batch is this, times the batch size, times the devices."""
    max_length: int = Field(default=1024, ge=8, le=1_000_000)
    """Tokens of a row that are read, never more than the model's context; longer rows are cut at the end."""
    assistant_only_loss: bool = True
    """Train on the assistant's words alone. Plain text has none and wants `false`."""
    packing: bool = False
    """Put several rows into one block of `max_length` tokens: faster, but attention must then keep rows apart."""
    gradient_checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, a third more time."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Number format of weights and arithmetic. bfloat16 halves memory and needs hardware that knows it."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    """Implementation of attention; it changes the last bits of every result."""
    logging_steps: int = Field(default=5, ge=1, le=100_000)
    """Steps between two points of the curve."""
    save_steps: int = Field(default=0, ge=0, le=1_000_000)
    """Steps between two snapshots that a killed run goes on from; 0 saves none but on a stop."""

    @model_validator(mode="before")
    @classmethod
    def _one_epoch_unless_said(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and raw.get("max_steps") is None and raw.get("epochs") is None:
            return {**raw, "epochs": Decimal(1)}
        return raw

    @model_validator(mode="after")
    def _one_length(self) -> "Params":
        if self.max_steps is not None and self.epochs is not None:
            raise ValueError("max_steps and epochs: give one of them, not both")
        if self.max_steps is not None and self.warmup_steps > self.max_steps:
            raise ValueError(f"warmup_steps: must not exceed max_steps, which is {self.max_steps}")
        return self

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
