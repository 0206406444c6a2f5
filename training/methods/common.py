"""What every method that takes gradient steps may set and measures."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from training.methods import Fraction, MethodParams, Metric

CURVE = {
    "grad_norm": Metric("norm", "neither", "L2 norm of the gradient before clipping."),
    "learning_rate": Metric("rate", "neither", "The optimizer's step size at this step."),
    "num_tokens": Metric("tokens", "neither", "Tokens read since the start, padding left out."),
    "epoch": Metric("epochs", "neither", "How often the data has been read."),
}


class Lora(MethodParams):
    """A low-rank adapter (Hu et al. 2021, arXiv:2106.09685): it alone is trained, and merged into the weights at the end."""

    rank: int = Field(default=16, ge=1, le=1024)
    """Rank of the two matrices that are learnt for each module."""
    alpha: int = Field(default=32, ge=1, le=4096)
    """What the adapter adds is multiplied by this, divided by the rank."""
    dropout: Fraction = Field(default=Decimal(0), ge=0, lt=1)
    """Share of the adapter's inputs that is dropped in training."""
    target_modules: list[str] = Field(default_factory=list)
    """Ends of the names of the modules that are adapted, such as `q_proj`; none named: every linear layer but the last."""


class TrainerParams(MethodParams):
    """Parameters that all of these methods share. The seed stands beside them, in the run's spec."""

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
    gradient_checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, a third more time."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Number format of weights and arithmetic. bfloat16 halves memory and needs hardware that knows it."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    """Implementation of attention; it changes the last bits of every result."""
    lora: Lora | None = None
    """Train a low-rank adapter instead of all weights: less memory, and a file of a few megabytes beside the model."""
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
    def _one_length(self) -> "TrainerParams":
        if self.max_steps is not None and self.epochs is not None:
            raise ValueError("max_steps and epochs: give one of them, not both")
        if self.max_steps is not None and self.warmup_steps > self.max_steps:
            raise ValueError(f"warmup_steps: must not exceed max_steps, which is {self.max_steps}")
        return self


class PreferenceParams(TrainerParams):
    """What methods that learn from pairs of answers share besides."""

    max_length: int = Field(default=1024, ge=8, le=1_000_000)
    """Longest prompt with answer, in tokens, never more than the model's context; longer pairs are left out and counted."""
    held_out: Fraction = Field(default=Decimal("0.1"), ge=0, le=Decimal("0.5"))
    """Share of the pairs that is kept out of training and measured at the end, whole prompts at a time, drawn by the seed."""
    held_out_min: int = Field(default=20, ge=1, le=1_000_000)
    """Fewest pairs to keep out, unless `held_out` is 0 or the run names pairs as `evaluated_on`."""
