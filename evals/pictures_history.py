"""A task's score over the versions of a model artifact."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from evals.pictures import SYMBOLS, Picture, around, ticks
from evals.pictures_records import Evaluated, places

HEIGHT = 360


@dataclass(frozen=True)
class Score:
    """One point. Decimals as text as they were recorded; the ends are None where no interval was."""

    evaluation: Evaluated
    metric: str
    n: int
    value: str
    low: str | None
    high: str | None


def choice_of(suite: str, task: str) -> str:
    """What a reader chooses: a task of a suite in whatever version, "eval-suite:basics/sums"."""
    return f"{suite.partition('@')[0]}/{task}"


def choices(evaluations: Sequence[Evaluated]) -> list[str]:
    """All that was measured, by name."""
    return sorted({choice_of(one.suite, result["task"]) for one in evaluations for result in one.results})


def scores(evaluations: Sequence[Evaluated], choice: str) -> list[Score]:
    """The task's scores in the order of the evaluations."""
    return [
        Score(
            one,
            result["metric"],
            result["n"],
            result["score"],
            result.get("ci_low"),
            result.get("ci_high"),
        )
        for one in evaluations
        for result in one.results
        if choice_of(one.suite, result["task"]) == choice
    ]


def picture(rows: Sequence[Score]) -> Picture:
    """Score over version number. Only scores of one suite version and metric are joined: others asked something else."""
    numbers = [row.evaluation.number for row in rows]
    placed = list(zip(rows, places(numbers), strict=True))
    names = dict.fromkeys(series_name(row) for row in rows)
    return {
        "height": HEIGHT,
        "x": {
            "title": "Version",
            "range": [str(min(numbers) - 0.5), str(max(numbers) + 0.5)],
            "ticks": ticks(numbers),
        },
        "y": {
            "title": ", ".join(dict.fromkeys(row.metric for row in rows)),
            "range": around([row.low or row.value for row in rows], [row.high or row.value for row in rows]),
        },
        "series": [
            {
                "name": name,
                "symbol": SYMBOLS[place % len(SYMBOLS)],
                "joined": True,
                **_points([one for one in placed if series_name(one[0]) == name]),
            }
            for place, name in enumerate(names)
        ],
    }


def series_name(row: Score) -> str:
    return f"{row.metric} on {row.evaluation.suite}"


def _points(placed: Sequence[tuple[Score, str]]) -> dict[str, list[str | None]]:
    rows = [row for row, _ in placed]
    return {
        "x": [at for _, at in placed],
        "y": [row.value for row in rows],
        "y_low": [row.low for row in rows],
        "y_high": [row.high for row in rows],
        "labels": [f"{row.evaluation.subject}, {row.n} items" for row in rows],
        "links": [reverse("evaluation", args=[row.evaluation.id]) for row in rows],
    }
