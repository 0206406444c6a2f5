"""A model is asked every item of a suite. What is measured, and how, stands there; here is what one run may set."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Params(BaseModel):
    """Parameters of the stage `evaluate`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    batch_size: int = Field(default=16, ge=1, le=1024)
    """Items asked at once, of an endpoint the requests under way. Padding moves the last bits of a logit, so that a near tie may fall the other way."""
    limit: int | None = Field(default=None, ge=1)
    """Only the first so many items of each task: for trials, never for a measurement."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the weights while evaluating; `auto` keeps the model's own."""
