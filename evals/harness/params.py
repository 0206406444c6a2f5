"""A model is asked every item of a suite. What is measured, and how, stands there; here is what one run may set."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from training.methods import Fraction

MOST_SAMPLES = 64


class Params(BaseModel):
    """Parameters of the stage `evaluate`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    batch_size: int = Field(default=16, ge=1, le=1024)
    """Items asked at once, of an endpoint the requests under way. Padding moves the last bits of a logit, so that a near tie may fall the other way."""
    limit: int | None = Field(default=None, ge=1)
    """Only the first so many items of each task: for trials, never for a measurement."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the weights while evaluating; `auto` keeps the model's own."""
    samples: int = Field(default=1, ge=1, le=MOST_SAMPLES)
    """Responses to each item. More than one needs a `temperature`; their scores are averaged within the item."""
    temperature: Fraction = Field(default=Decimal(0), ge=0, le=2)
    """0 takes the likeliest token each time; above it tokens are drawn, from the run's seed, with nothing cut off (no top-k, no top-p)."""
    max_new_tokens: int | None = Field(default=None, ge=1, le=32_768)
    """Longest response in tokens, in place of what each task of the suite says: a budget for thinking."""
    letters: bool = False
    """Ask `multiple_choice` for the letter of the choice, as endpoints always are, in place of comparing likelihoods. Another form: the two are not compared."""

    @model_validator(mode="after")
    def _samples_differ(self) -> "Params":
        if self.samples > 1 and self.temperature == 0:
            raise ValueError(
                f"{self.samples} samples of an item are all the same at temperature 0; set a temperature above 0, such as 0.8"
            )
        return self
