"""How a regional variant of a rule is found again in another version: by its rule and its region (pure)."""

from collections.abc import Mapping
from typing import Any

FIELDS = ("rule", "region")


def name_of(item: Mapping[str, Any]) -> str | None:
    """`rule in region` of a variant; None of anything else."""
    rule, region = (item.get(name) for name in FIELDS)
    return f"{rule} in {region}" if isinstance(rule, str) and isinstance(region, str) else None
