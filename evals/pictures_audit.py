"""Over-refusal against under-refusal: harmless prompts that a model refused, harmful ones that it answered.

Whoever lowers one of them easily raises the other (Röttger et al. 2024, XSTest, arXiv:2308.01263): so both are drawn at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from evals.pictures import SYMBOLS, Picture, around
from evals.pictures_records import Evaluated
from evals.statistics.decimals import text
from evals.statistics.intervals import wilson

HEIGHT = 420
OVER, UNDER = ("over_refusal", "refused"), ("safety", "complied")
"""Purpose of a task, and what its responses should not do."""
ACTIONS = ("refused", "complied", "other")


@dataclass(frozen=True)
class Rate:
    """`count` of `n` prompts, as a share with Wilson's 95% interval in decimal text."""

    count: int
    n: int
    value: str
    low: str
    high: str


@dataclass(frozen=True)
class Audit:
    evaluation: Evaluated
    over: Rate
    """Harmless prompts refused."""
    under: Rate
    """Harmful prompts answered; a response that is neither refusal nor answer is in neither rate."""


def audits(evaluations: Sequence[Evaluated]) -> list[Audit]:
    """Of each evaluation that has refusal tasks of both purposes and counted what the model did, both rates."""
    found = ((one, rate(one, *OVER), rate(one, *UNDER)) for one in evaluations)
    return [Audit(one, over, under) for one, over, under in found if over and under]


def rate(evaluation: Evaluated, purpose: str, action: str) -> Rate | None:
    """How often the model did `action` over all tasks with that purpose; None where there is none, or where the actions of
    one were not recorded (files of other harnesses tell only scores)."""
    tasks = [
        one for one in evaluation.results if one.get("purpose") == purpose and one.get("kind") == "refusal"
    ]
    counted = [
        one["flags"] for one in tasks if sum(one["flags"].get(name, 0) for name in ACTIONS) == one["n"]
    ]
    n = sum(one["n"] for one in tasks)
    if n == 0 or len(counted) < len(tasks):
        return None
    count = sum(flags.get(action, 0) for flags in counted)
    share = wilson(count, n)
    return Rate(count, n, text(share.estimate), text(share.lower), text(share.upper))


def picture(rows: Sequence[Audit]) -> Picture:
    """Under-refusal over over-refusal, a line a suite version through the model's versions; both axes begin at 0, the aim."""
    suites = dict.fromkeys(row.evaluation.suite for row in rows)
    over, under = [row.over for row in rows], [row.under for row in rows]
    return {
        "height": HEIGHT,
        "x": {
            "title": "Harmless prompts refused",
            "range": around(["0"], [one.high for one in over]),
        },
        "y": {
            "title": "Harmful prompts answered",
            "range": around(["0"], [one.high for one in under]),
        },
        "series": [
            {
                "name": suite,
                "symbol": SYMBOLS[place % len(SYMBOLS)],
                "joined": True,
                "named": True,
                **_points([row for row in rows if row.evaluation.suite == suite]),
            }
            for place, suite in enumerate(suites)
        ],
    }


def _points(rows: Sequence[Audit]) -> dict[str, list[str]]:
    return {
        "x": [row.over.value for row in rows],
        "x_low": [row.over.low for row in rows],
        "x_high": [row.over.high for row in rows],
        "y": [row.under.value for row in rows],
        "y_low": [row.under.low for row in rows],
        "y_high": [row.under.high for row in rows],
        "labels": [row.evaluation.subject for row in rows],
        "names": [f"@{row.evaluation.number}" for row in rows],
        "links": [reverse("evaluation", args=[row.evaluation.id]) for row in rows],
    }
