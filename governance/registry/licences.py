"""What a licence's name says by itself (pure)."""

import re

_NON_COMMERCIAL = re.compile(
    r"""(?x) (?:^|[^a-z0-9])
    (?: nc | ncgl | noncommercial | non-commercial | fair-nc | research-only | polyform-noncommercial | prosperity )
    (?:[^a-z0-9]|$)"""
)


def is_non_commercial(licence: str) -> bool:
    """Whether a licence's identifier says that commercial use is not allowed: `CC-BY-NC-4.0`, `PolyForm-Noncommercial-1.0.0`.

    Made for SPDX identifiers and expressions. False is no permission: it means that the name alone does not forbid it.
    """
    return bool(_NON_COMMERCIAL.search(re.sub(r"[\s_]+", "-", licence.strip().lower())))
