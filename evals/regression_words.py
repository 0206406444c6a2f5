"""The answer whether a version got worse, in sentences for somebody who never studied statistics (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from evals.regression_sides import ANCHOR, PREDECESSOR, side_of
from evals.statistics.chains import Held

HEADLINES = {
    Held.WORSE: "Yes, it got worse.",
    Held.UNDECIDED: "It cannot be said yet whether it got worse.",
    Held.HELD: "No: on no task did it lose as much as would matter.",
}
NAMES = {ANCHOR: "the anchor", PREDECESSOR: "its predecessor"}
NOTHING = (
    "Nothing says yet whether it got worse: no evaluation of it was held against an anchor or a predecessor."
)
HARM = ("safety", "over_refusal")

Answer = Mapping[str, Any]


def headline(answers: Sequence[Answer]) -> str:
    """One sentence over all suites: the worst of their answers."""
    if not answers:
        return NOTHING
    found = {Held(answer["held"]) for answer in answers}
    return next(HEADLINES[word] for word in (Held.WORSE, Held.UNDECIDED, Held.HELD) if word in found)


def sentences(answer: Answer) -> list[str]:
    """What it got worse at, what is not known and why, what may be claimed, and what the looks together warn of."""
    return [text for side in shown(answer) for text in _of_side(side)] + list(_of_chain(answer))


def shown(answer: Answer) -> list[Answer]:
    """The answer's sides, without the predecessor's where the anchor is the predecessor: they say the same."""
    anchor = side_of(answer, ANCHOR)
    same = anchor["model"] if anchor else None
    return [side for side in answer["sides"] if side["against"] != PREDECESSOR or side["model"] != same]


def _of_side(side: Answer) -> Iterator[str]:
    whom = f"{side['model']} ({NAMES[side['against']]})"
    if side["why"]:
        yield f"Against {whom} there is no comparison: {side['why']}"
        return
    for task in side["tasks"]:
        if said := _of_task(task, whom):
            yield said
    if side["not_compared"]:
        yield f"Against {whom}, only one side was asked: {', '.join(side['not_compared'])}."
    if not any(task["held"] == Held.WORSE for task in side["tasks"]):
        kept = [task["task"] for task in side["tasks"] if task["held"] == Held.HELD]
        if kept:
            yield f"Against {whom} it held, by each task's own margin, on {', '.join(kept)}."


def _of_task(task: Answer, whom: str) -> str:
    span = f"{points(task['difference'])} ({points(task['ci_low'])} to {points(task['ci_high'])})"
    if task["held"] == Held.WORSE:
        harm = " This task stands for harm, so it counts by itself." if task["purpose"] in HARM else ""
        return (
            f"Worse than {whom} on {task['task']}: {span} points on {task['n']} items, where a loss of"
            f" {points(task['margin'], signed=False)} was allowed.{harm}"
        )
    if task["held"] == Held.UNDECIDED:
        return (
            f"Undecided against {whom} on {task['task']}: {span} points on {task['n']} items; the margin of"
            f" {points(task['margin'], signed=False)} needs about {task['n_needed']}."
        )
    if task["improved"]:
        return f"Better than {whom} on {task['task']}: {span} points, and that may be claimed."
    return ""


def _of_chain(answer: Answer) -> Iterator[str]:
    side = side_of(answer, ANCHOR)
    for task in side["tasks"] if side else ():
        if task["slid"]:
            yield (
                f"Small losses add up on {task['task']}: each version held against the one before it, and this one does"
                f" not hold against the anchor {side['model'] if side else ''}."
            )
        if task["alarm"]:
            yield (
                f"Alarm on {task['task']}: over all looks at the anchor the evidence that some version is worse has"
                f" reached {task['e_chain']}, and 20 is enough."
            )


def points(share: str, *, signed: bool = True) -> str:
    """A share as percentage points, with its sign: "-0.0325" as "-3.25"."""
    value = (Decimal(share) * 100).quantize(Decimal("0.01"))
    text = format(value.normalize() if value else Decimal(0), "f")
    return f"+{text}" if signed and value > 0 else text
