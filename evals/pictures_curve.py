"""Test-time compute as pictures: scores over the budget of tokens, and pass@k with its neighbours over k, both on log2."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from django.urls import reverse

from evals.curves import Curve, Point
from evals.pictures import SYMBOLS, Picture, around
from evals.statistics.decimals import text

HEIGHT = 360
Spot = tuple[int, str, str | None, str | None, Point]
"""Budget or k, value, ends of its interval, and the evaluation."""


def over_budget(curve: Curve) -> Picture | None:
    """The mean score of each budget and, at the largest k that all of them have, the estimators; None for a single budget."""
    best = curve.best
    if len(best) < 2:
        return None
    series = {
        f"{curve.metric}, mean (pass@1)": [
            (one.budget, one.result["score"], one.result["ci_low"], one.result["ci_high"], one)
            for one in best
        ]
    }
    if curve.k > 1:
        for name in _names(best[0]):
            series[f"{name}@{curve.k}"] = [(one.budget, *_at(one, curve.k, name), one) for one in best]
    return _picture("Longest response, tokens", series)


def over_k(curve: Curve) -> Picture | None:
    """The estimators of each budget over k, each from the samples of one evaluation; None where all were asked once."""
    series: dict[str, list[Spot]] = {
        f"{name}@k, {one.budget} tokens": [
            (at["k"], *_at(one, at["k"], name), one) for at in one.result["at_k"]
        ]
        for one in curve.best
        if one.samples > 1
        for name in _names(one)
    }
    return _picture("k, samples", series) if series else None


def _names(point: Point) -> list[str]:
    return [name for name in ("pass", "maj", "all") if name in point.result["at_k"][0]]


def _at(point: Point, k: int, name: str) -> tuple[str, str, str]:
    told = next(at for at in point.result["at_k"] if at["k"] == k)
    return told[name], told[f"{name}_low"], told[f"{name}_high"]


def _picture(title: str, series: dict[str, list[Spot]]) -> Picture:
    spots = [spot for line in series.values() for spot in line]
    sizes = sorted({spot[0] for spot in spots})
    room = max((math.log2(sizes[-1]) - math.log2(sizes[0])) / 20, 0.1)
    return {
        "height": HEIGHT,
        "x": {
            "title": f"{title} (log2)",
            "range": [text(math.log2(sizes[0]) - room), text(math.log2(sizes[-1]) + room)],
            "ticks": [[text(math.log2(size)), str(size)] for size in sizes],
        },
        "y": {
            "title": "Share of items",
            "range": around([low or at for _, at, low, _, _ in spots], [high or at for _, at, _, high, _ in spots]),
        },
        "series": [
            {"name": name, "symbol": SYMBOLS[place % len(SYMBOLS)], "joined": True, **_points(line)}
            for place, (name, line) in enumerate(series.items())
        ],
    }  # fmt: skip


def _points(line: Sequence[Spot]) -> dict[str, list[Any]]:
    return {
        "x": [text(math.log2(size)) for size, *_ in line],
        "y": [value for _, value, *_ in line],
        "y_low": [low for _, _, low, _, _ in line],
        "y_high": [high for _, _, _, high, _ in line],
        "labels": _labels(point for *_, point in line),
        "links": [reverse("evaluation", args=[point.evaluation.id]) for *_, point in line],
    }


def _labels(points: Iterable[Point]) -> list[str]:
    return [
        f"{one.budget} tokens, {one.samples} sample{'s' if one.samples > 1 else ''} of {one.result['n']} items"
        for one in points
    ]
