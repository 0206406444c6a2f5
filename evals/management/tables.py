"""Scores and comparisons as tables at a terminal."""

import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any, cast

from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 160
"""Columns where the output is no terminal, so that no cell is folded."""

COMPARED = (
    "task", "n", "a", "b", "a - b", "95% interval", "n10/n01", "p", "p (Holm)", "direction", "size", "differ",
)  # fmt: skip


def console(out: object) -> Console:
    """A console that writes to a command's output."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(file=cast("IO[str]", out), highlight=False, width=width)


def print_results(results: Sequence[Mapping[str, Any]], out: object) -> None:
    """One line a task: items, score, 95% interval."""
    table = Table("task", "metric", "n", "score", "95% interval")
    for result in results:
        interval = f"{result['ci_low']} to {result['ci_high']}" if result["ci_low"] else "not recorded"
        table.add_row(result["task"], result["metric"], str(result["n"]), result["score"], interval)
    console(out).print(table)


def print_comparison(record: Mapping[str, Any], out: object) -> None:
    """One line a task, as Comparison.record() gives them, then what is to be read with care."""
    table = Table(*COMPARED)
    for task in record["tasks"]:
        table.add_row(*_cells(task))
    shown = console(out)
    shown.print(table)
    for text in _remarks(record):
        shown.print(f"- {text}", markup=False)


def _cells(task: Mapping[str, Any]) -> Sequence[str]:
    counts = "" if task["n10"] is None else f"{task['n10']}/{task['n01']}"
    return (
        task["task"], str(task["n"]), task["score_a"], task["score_b"], task["difference"],
        f"{task['ci_low']} to {task['ci_high']}", counts, task["p"], task["p_holm"], task["direction"],
        task["size"], str(len(task["discordant"])),
    )  # fmt: skip


def _remarks(record: Mapping[str, Any]) -> Sequence[str]:
    undecided = [
        f"{task['task']}: the margin of {task['margin']} needs {task['n_needed']} items, this has {task['n']}."
        for task in record["tasks"]
        if task["size"] == "inconclusive"
    ]
    unseen = [
        f"{task['task']}: a difference below {task['detectable']} would often stay unseen with these items."
        for task in record["tasks"]
        if task["direction"] == "inconclusive"
    ]
    careful = [f"{task['task']}: {text}" for task in record["tasks"] for text in task["warnings"]]
    return [*record["warnings"], *careful, *undecided, *unseen, record["scope"]]


def print_regression(answer: Mapping[str, Any], out: object) -> None:
    """One line for each task against the anchor and against the predecessor, as evals.regression records them."""
    table = Table(
        "against",
        "task",
        "n",
        "new",
        "old",
        "new - old",
        "95% interval",
        "margin",
        "held",
        "E",
        "E of all looks",
    )
    for side in answer["sides"]:
        for task in side["tasks"]:
            table.add_row(
                side["model"], task["task"], str(task["n"]), task["score_a"], task["score_b"], task["difference"],
                f"{task['ci_low']} to {task['ci_high']}", task["margin"], task["held"],
                task.get("e") or "", task.get("e_chain") or "",
            )  # fmt: skip
    if table.row_count:
        console(out).print(table)


def print_curve(record: Mapping[str, Any], out: object) -> None:
    """One line a point of a curve and k, then one line a slope, as Curve.record() gives them."""
    table = Table("budget", "samples", "n", "what", "share", "95% interval")
    for point in record["points"]:
        start = (str(point["budget"]), str(point["samples"]), str(point["n"]))
        table.add_row(*start, "mean", point["score"], _ends(point["ci_low"], point["ci_high"]))
        for at in point["at_k"]:
            for name in (one for one in ("pass", "maj", "all") if one in at and at["k"] > 1):
                ends = _ends(at[f"{name}_low"], at[f"{name}_high"])
                table.add_row("", "", "", f"{name}@{at['k']}", at[name], ends)
    shown = console(out)
    shown.print(table)
    slopes = Table("each doubling of", "adds to", "share", "95% interval", "so it")
    for one in record["slopes"]:
        slopes.add_row(one["over"], one["of"], one["slope"], _ends(one["low"], one["high"]), one["words"])
    if slopes.row_count:
        shown.print(slopes)
    if record["problem"]:
        shown.print(record["problem"], markup=False)


def _ends(low: str | None, high: str | None) -> str:
    return f"{low} to {high}" if low and high else "none"
