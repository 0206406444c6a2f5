"""Judgements as figures and files take them: without names, in an order that does not tell when they were given."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from evals.human.figures import Answer
from evals.human.pairs import Pair
from evals.human.sides import Side
from evals.models import Judgement, Study
from governance.ledger.canonical import canonical


def rows(study: Study) -> list[Judgement]:
    """All judgements of the study, by item and slot."""
    return list(study.judgements.select_related("rater").order_by("item", "slot"))


def answer(row: Judgement) -> Answer:
    """The judgement under the rater's pseudonym."""
    side = cast(Side, row.first)
    return Answer(row.item, row.rater.pseudonym, row.rater.group, side, row.choice, row.reason)


def counted(answers: Iterable[Answer]) -> int:
    """How many of them count: skips do not."""
    return sum(one.choice != "skip" for one in answers)


def lines(found: Iterable[Judgement], pairs: Sequence[Pair]) -> bytes:
    """One canonical line a judgement: judgements.jsonl."""
    return b"".join(canonical(_line(row, pairs[row.item])) + b"\n" for row in found)


def _line(row: Judgement, pair: Pair) -> dict[str, Any]:
    given = answer(row)
    return {
        "task": pair.task, "item": pair.item, "item_hash": pair.item_hash, "rater": given.rater,
        "group": given.group or None, "slot": row.slot, "first": given.first, "choice": given.choice,
        "prefers": given.prefers, "reason": given.reason or None,
    }  # fmt: skip
