"""One side of the answer whether a version got worse: what a comparison with its anchor or its predecessor says, task by task.

A side is a plain record: `tasks` hold the comparison's own figures, then what is made of them (`held`, `improved`, and
against the anchor `e`, `e_chain`, `alarm`, `slid`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evals.compare import Comparison, TaskComparison
from evals.statistics.chains import (
    Held,
    Look,
    alarmed,
    claims,
    e_text,
    held,
    log_e,
    log_e_of_chain,
    slid,
    together,
)
from evals.statistics.verdicts import Direction

ANCHOR, PREDECESSOR = "anchor", "predecessor"
COPIED = (
    "task", "metric", "higher_is_better", "margin", "n", "score_a", "score_b", "difference", "ci_low", "ci_high",
    "method", "n10", "n01", "p", "p_holm", "direction", "size", "n_needed", "warnings",
)  # fmt: skip
"""What of a comparison's task is recorded as it is: figures and words, never an item."""
PAIRED_ALONE = "tango"
"""Method of an interval over single items scored 0 or 1: only there is each discordant item a bet of its own."""
LONGEST_CHAIN = 200

Record = dict[str, Any]


def empty(against: str, model: str, digest: str) -> Record:
    """A side of which nothing is known yet."""
    return {
        "against": against, "model": model, "digest": digest, "evaluation": None, "imported": False,
        "held": str(Held.UNDECIDED), "why": None, "field": None, "tasks": [], "not_compared": [], "warnings": [],
    }  # fmt: skip


def compared(side: Record, found: Comparison, purposes: Mapping[str, str], unshared: Iterable[str]) -> Record:
    """The side with what the comparison says; tasks that only one evaluation has leave it undecided."""
    tasks = [_task(task, purposes.get(task.task, "")) for task in found.tasks]
    missing = sorted(unshared)
    words = [Held(task["held"]) for task in tasks] + [Held.UNDECIDED] * len(missing)
    return {
        **side,
        "tasks": tasks,
        "not_compared": missing,
        "warnings": list(found.warnings),
        "held": str(together(words)),
    }


def _task(task: TaskComparison, purpose: str) -> Record:
    said = task.record()
    word = held(
        task.verdict, task.lower, task.upper, task.margin, task.n, higher_is_better=task.higher_is_better
    )
    return {**{name: said[name] for name in COPIED}, "purpose": purpose, "held": str(word)}


def with_claims(side: Record, look: int) -> Record:
    """The side with `improved` for each task: whether it may be claimed at this look."""
    tasks = side["tasks"]
    found = claims(
        [float(task["p"]) for task in tasks], [Direction(task["direction"]) for task in tasks], look
    )
    return {**side, "tasks": [{**task, "improved": yes} for task, yes in zip(tasks, found, strict=True)]}


def with_chain(anchor: Record, predecessor: Record | None, earlier: Sequence[Record], look: int) -> Record:
    """The anchor's side with the e-values of the line's looks at it, and whether the line slid away from it.

    `earlier` are the answers for the line before, newest first.
    """
    return {
        **anchor,
        "tasks": [{**task, **_chained(task, anchor, predecessor, earlier, look)} for task in anchor["tasks"]],
    }


def _chained(
    task: Record, anchor: Record, predecessor: Record | None, earlier: Sequence[Record], look: int
) -> Record:
    steps = steps_to(anchor["model"], task["task"], predecessor, earlier)
    told: Record = {"e": None, "e_chain": None, "alarm": None, "slid": slid(steps, Held(task["held"]))}
    this = _look(task, look)
    if this is not None:
        whole = log_e_of_chain([this, *_looks_before(anchor["model"], task["task"], earlier)])
        told |= {"e": e_text(log_e(this.lost, this.won)), "e_chain": e_text(whole), "alarm": alarmed(whole)}
    return told


def steps_to(anchor: str, task: str, predecessor: Record | None, earlier: Sequence[Record]) -> list[Held]:
    """How each version between the anchor and the newest held against the one before it; empty where a step is missing."""
    before = {one["model"]: one for one in reversed(earlier)}
    steps: list[Held] = []
    while predecessor is not None and len(steps) < LONGEST_CHAIN:
        found = task_of(predecessor, task)
        if found is None:
            return []
        steps.append(Held(found["held"]))
        if predecessor["model"] == anchor:
            return steps
        answer = before.get(predecessor["model"])
        predecessor = side_of(answer, PREDECESSOR) if answer else None
    return []


def side_of(answer: Mapping[str, Any], against: str) -> Record | None:
    """An answer's side against the anchor or the predecessor, if it has one."""
    return next((side for side in answer["sides"] if side["against"] == against), None)


def task_of(side: Mapping[str, Any], name: str) -> Record | None:
    return next((task for task in side["tasks"] if task["task"] == name), None)


def _looks_before(anchor: str, task: str, earlier: Iterable[Record]) -> Iterator[Look]:
    for answer in earlier:
        side = side_of(answer, ANCHOR)
        found = task_of(side, task) if side is not None and side["model"] == anchor else None
        look = _look(found, answer["look"]) if found else None
        if look is not None:
            yield look


def _look(task: Mapping[str, Any], number: int) -> Look | None:
    """The items that the newer version lost and won; None where they are no bets of their own."""
    if task["method"] != PAIRED_ALONE:
        return None
    gained, dropped = task["n10"], task["n01"]
    return Look(number, dropped, gained) if task["higher_is_better"] else Look(number, gained, dropped)
