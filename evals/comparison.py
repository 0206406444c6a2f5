"""Two recorded evaluations compared, from what the store holds under the digests that they recorded."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from evals.compare import Comparison, Measured, NotLikeForLike, compare
from evals.records import KIND, checked, suite_of
from governance.ledger.canonical import loads
from governance.registry.actions import Refused
from governance.registry.models import Activity

KEPT = 16
PINS = ("items_sha256", "results_sha256")

Pins = tuple[str, str]
"""Digests of an evaluation's items and results."""


def compare_evaluations(a: Activity, b: Activity) -> Comparison:
    """Candidate `a` against `b`. Raises Refused for one that has not ended or kept no items, NotLikeForLike, MissingBlob,
    Inconsistent."""
    pins = [*_pins(a), *_pins(b)]
    if suite_of(a) != suite_of(b):
        raise NotLikeForLike("suite", suite_of(a), suite_of(b))
    return by_digest(*pins)


def pins_of(summary: Mapping[str, Any]) -> Pins | None:
    """Digests of the files that an evaluation with this summary kept; None when it did not keep both."""
    items, results = (summary.get(name) for name in PINS)
    return (str(items), str(results)) if items and results else None


@lru_cache(maxsize=KEPT)
def by_digest(items_a: str, results_a: str, items_b: str, results_b: str) -> Comparison:
    """The comparison of what these digests name: nothing else goes into it. Raises NotLikeForLike, MissingBlob, Inconsistent."""
    return compare(_measured(items_a, results_a), _measured(items_b, results_b))


def _pins(activity: Activity) -> Pins:
    if activity.kind != KIND or activity.state != Activity.ENDED:
        raise Refused(f"{activity.label} has {activity.state}; only evaluations that ended are compared.")
    pins = pins_of(activity.summary)
    if pins is None:
        raise Refused(f"{activity.label} kept no items; evaluate again, then compare.")
    return pins


def _measured(items: str, results: str) -> Measured:
    return Measured([loads(line) for line in checked(items).splitlines()], loads(checked(results)))
