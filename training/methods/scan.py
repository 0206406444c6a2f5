"""Scan: what a dataset's rows look like, counted; no row and no value leaves the job."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field

from training.methods import Fraction, MethodParams, RoleSpec, read

TITLE = "Scan"
SCANNED = "scanned"

ROLES = {SCANNED: RoleSpec(kinds=("dataset",), many=True)}


class Params(MethodParams):
    """What a scan may set. The seed stands beside it, in the run's spec."""

    language_rows: int = Field(default=5_000, ge=1, le=10_000_000)
    """Rows whose language is guessed; of more rows so many are drawn with the run's seed."""
    compared_rows: int = Field(default=100_000, ge=1, le=10_000_000)
    """Rows that are compared with each other for near-duplicates; of more rows so many are drawn with the run's seed."""
    threshold: Fraction = Field(default=Decimal("0.8"), gt=0, le=1)
    """Share of common word triples (estimated Jaccard similarity) from which two rows are near-duplicates."""
    permutations: int = Field(default=128, ge=16, le=1024, multiple_of=16)
    """Length of a MinHash signature, a multiple of 16: more is more exact and slower."""
    first_rows: int = Field(default=5, ge=0, le=100)
    """How many numbers of rows with possible personal data are kept for each class."""


def validate(params: Mapping[str, Any]) -> Params:
    """The parameters with their defaults; raises BadParams naming each wrong field and, for an unknown one, the nearest."""
    return read(Params, params, where="params")
