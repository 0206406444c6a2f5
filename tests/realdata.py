"""Data that nobody here wrote, read where it lies beside the checkout; tests that need it skip visibly without it."""

from pathlib import Path

import pytest

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"


def requires(name: str) -> pytest.MarkDecorator:
    """Skip unless the data set `name` is there."""
    return pytest.mark.skipif(
        not (REAL / name).is_dir(), reason=f"real data {name} is not beside this checkout"
    )
