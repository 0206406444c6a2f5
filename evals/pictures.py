"""What the browser draws of evaluations: points with their 95% intervals on two axes, as static/charts.js takes them.

Every number is decimal text, as it was recorded. A table beside each picture holds the same numbers: a picture adds none.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

ROW_HEIGHT, FRAME_HEIGHT = 64, 60
"""Pixels of a row of a forest plot, and of its axis and legend."""
TICKS = 10
SIGNS = {
    "improved": {"symbol": "diamond", "tone": "good"},
    "regressed": {"symbol": "x", "tone": "bad"},
    "inconclusive": {"symbol": "circle-open", "tone": "muted"},
}
"""Direction of a difference → its mark; the colours repeat what marks and words say."""
SYMBOLS = ("circle", "square-open", "diamond", "triangle-up-open", "x", "star-open")

Picture = dict[str, Any]
Task = Mapping[str, Any]


def forest(tasks: Sequence[Task], scale: Decimal, names: tuple[str, str]) -> Picture:
    """Differences of a comparison, one row a task from the top, each over the band of its margin.

    `tasks` as Comparison.record() has them; the axis runs from -scale to scale; `names` are candidate and baseline.
    """
    rows = [(task, str(len(tasks) - place)) for place, task in enumerate(tasks)]
    found = dict.fromkeys(task["direction"] for task in tasks)
    return {
        "height": ROW_HEIGHT * len(rows) + FRAME_HEIGHT,
        "x": {"title": f"{names[0]} minus {names[1]}", "range": [str(-scale), str(scale)], "zero": True},
        "y": {"range": ["0.4", str(len(rows) + Decimal("0.7"))], "hidden": True},
        "bands": [_margin(task, Decimal(row)) for task, row in rows],
        "notes": [{"y": row, "text": verdict_words(task)} for task, row in rows],
        "series": [
            _differences(name, [one for one in rows if one[0]["direction"] == name]) for name in found
        ],
    }


def verdict_words(task: Task) -> str:
    """Such as "sums: improved, non-inferior"; which way is better, where that is down."""
    lower = "" if task["higher_is_better"] else " (lower is better)"
    return f"{task['task']}: {task['direction']}, {task['size']}{lower}"


def _margin(task: Task, row: Decimal) -> dict[str, str]:
    margin, half = Decimal(task["margin"]), Decimal("0.25")
    return {"x0": str(-margin), "x1": str(margin), "y0": str(row - half), "y1": str(row + half)}


def _differences(direction: str, rows: Sequence[tuple[Task, str]]) -> dict[str, Any]:
    return {
        "name": direction,
        **SIGNS[direction],
        "x": [task["difference"] for task, _ in rows],
        "x_low": [task["ci_low"] for task, _ in rows],
        "x_high": [task["ci_high"] for task, _ in rows],
        "y": [row for _, row in rows],
        "labels": [f"{task['task']}, {task['n']} pairs" for task, _ in rows],
    }


def ticks(numbers: Sequence[int]) -> list[list[str]]:
    """Positions and labels of version numbers on an axis, thinned out to about ten."""
    known = sorted(set(numbers))
    return [[str(number), f"@{number}"] for number in islice(known, 0, None, len(known) // TICKS + 1)]


def around(lows: Sequence[str], highs: Sequence[str]) -> list[str]:
    """An axis for shares that leaves a little room around all of them, within 0 and 1."""
    low, high = min(map(Decimal, lows)), max(map(Decimal, highs))
    room = max((high - low) / 20, Decimal("0.005"))
    return [str(max(low - room, Decimal("-0.02"))), str(min(high + room, Decimal("1.02")))]
