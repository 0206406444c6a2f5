"""Things of one field as a table for the typeset document: few columns that can be read, all other facts below their row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from governance.cards.compose import Group, columns_of, last_part
from governance.cards.paper_values import References, gap, item, sure, value
from governance.evidence.facts import Fact

MOST_COLUMNS = 6
LONGEST_LABEL = 20
LONGEST_CELL = 32
"""Characters; a column with a longer label or value goes below the rows."""
UNKEPT = 1200
"""Characters below a row from which on a page may end between them."""

Facts = Mapping[str, Fact]


def table(references: References, groups: Sequence[Group]) -> dict[str, Any]:
    """Columns, rows, how sure whole columns are, and the axis of the intervals where the rows are estimates.

    `named` heads the column of the rows' names, null where a column says the same. A row has {name, cells, refs, more, kept, interval}: `refs` holds for each value that has no other of its own.
    """
    labels = columns_of(groups)
    facts = [{last_part(fact): fact for fact in group.facts} for group in groups]
    main = _main(labels, facts)
    same = {name: words for name in labels if (words := _same(name, facts)) is not None}
    axis = _axis(facts)
    return {
        "named": _head_of_names(groups, facts, main),
        "columns": [
            {
                "label": labels[name],
                "number": _numeric(name, facts),
                "length": _length(labels[name], name, facts),
            }
            for name in main
        ],
        "axis": {"from": str(axis[0]), "to": str(axis[1])} if axis else None,
        "rows": [
            _row(references, group, row, main, same, axis) for group, row in zip(groups, facts, strict=True)
        ],
        "sure": _by_words({labels[name]: words for name, words in same.items()}),
    }


def _main(labels: Mapping[str, str], facts: Sequence[Facts]) -> list[str]:
    return [name for name in labels if len(labels[name]) <= LONGEST_LABEL and _fits(name, facts)][
        :MOST_COLUMNS
    ]


def _fits(name: str, facts: Sequence[Facts]) -> bool:
    """Whether at least half of the rows have a value there, all of them short and on one line."""
    values = [value(row[name]) for row in facts if name in row and not row[name].is_empty]
    return 2 * len(values) >= len(facts) and all(
        len(one) <= LONGEST_CELL and "\n" not in one for one in values
    )


def _head_of_names(groups: Sequence[Group], facts: Sequence[Facts], main: Sequence[str]) -> str | None:
    """Head of the column that says what the rows are called; None where the first column says it already."""
    if main and all(_names(group, row, main[0]) for group, row in zip(groups, facts, strict=True)):
        return None
    return "No." if all(group.name.isdecimal() for group in groups) else "name"


def _names(group: Group, row: Facts, name: str) -> bool:
    """Whether a column says what the rows are called, so that their names need no column of their own."""
    return name in row and value(row[name]).replace("_", " ") == group.name.replace("_", " ")


def _same(name: str, facts: Sequence[Facts]) -> str | None:
    """How sure a column is, when all its values are equally sure."""
    found = {sure(row[name]) for row in facts if name in row and not row[name].is_empty}
    return found.pop() if len(found) == 1 else None


def _by_words(words: Mapping[str, str]) -> list[dict[str, str]]:
    found: dict[str, list[str]] = {}
    for label, said in words.items():
        found.setdefault(said, []).append(label)
    return [{"words": said, "columns": ", ".join(dict.fromkeys(labels))} for said, labels in found.items()]


def _length(label: str, name: str, facts: Sequence[Facts]) -> int:
    """Characters of the longest text in a column, which decides its share of the width."""
    return (
        max(len(label), *(len(value(row[name])) for row in facts if name in row and not row[name].is_empty))
        + 2
    )


def _numeric(name: str, facts: Sequence[Facts]) -> bool:
    values = [row[name] for row in facts if name in row and not row[name].is_empty]
    return bool(values) and all(fact.number is not None for fact in values)


def _row(
    references: References,
    group: Group,
    row: Facts,
    main: Sequence[str],
    same: Mapping[str, str],
    axis: tuple[Decimal, Decimal] | None,
) -> dict[str, Any]:
    behind = {name: references.of(fact) for name, fact in row.items() if not fact.is_empty}
    common = _commonest(list(behind.values()))
    cells = [_cell(row.get(name), behind.get(name, []), common) for name in main]
    more = [
        _below(references, fact, name in main, name in same, common)
        for name, fact in row.items()
        if name not in main or fact.is_empty or name not in same
    ]
    return {
        "name": group.name if group.name.isdecimal() else group.name.replace("_", " "),
        "cells": cells,
        "refs": common,
        "more": more,
        "kept": sum(len(one.get("value") or one["gap"]["why"]) for one in more) < UNKEPT,
        "interval": _interval(row, axis) if axis else None,
    }


def _commonest(found: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    counted = Counter(str(refs) for refs in found)
    return max(found, key=lambda refs: counted[str(refs)], default=[])


def _cell(fact: Fact | None, refs: list[dict[str, Any]], common: list[dict[str, Any]]) -> dict[str, Any]:
    if fact is None or fact.is_empty:
        return {"gap": gap(fact)["state"] if fact else "not recorded"}
    return {"value": value(fact), "refs": [] if refs == common else refs}


def _below(
    references: References, fact: Fact, shown: bool, same: bool, common: list[dict[str, Any]]
) -> dict[str, Any]:
    """A fact below its row; of one that stands in the row only what the row does not tell."""
    one = item(references, fact)
    if fact.is_empty:
        return one
    if shown:
        return {
            **one,
            "label": f"{fact.label} is",
            "value": sure(fact),
            "block": False,
            "mono": False,
            "sure": "",
            "refs": [],
        }
    return {**one, "sure": "" if same else one["sure"], "refs": [] if one["refs"] == common else one["refs"]}


def _estimate(row: Facts) -> tuple[Fact, Fact, Fact] | None:
    """Value, lower and upper end of a row, when it has all three in one unit."""
    middle = next((row[name] for name in ("score", "estimate", "difference") if name in row), None)
    low, high = row.get("ci_low"), row.get("ci_high")
    if middle is None or low is None or high is None:
        return None
    whole = (middle, low, high)
    return whole if all(fact.number is not None and fact.unit == middle.unit for fact in whole) else None


def _axis(facts: Sequence[Facts]) -> tuple[Decimal, Decimal] | None:
    """Ends of the axis that all intervals of a table share; None where there are none or their units differ."""
    found = [whole for row in facts if (whole := _estimate(row))]
    if not found or len({whole[0].unit for whole in found}) > 1:
        return None
    numbers = [fact.number or Decimal(0) for whole in found for fact in whole]
    low, high = min(*numbers, Decimal(0)), max(*numbers, Decimal(0))
    if found[0][0].unit == "share" and low >= 0:
        return Decimal(0), max(high, Decimal(1))
    return (low, high) if low < high else None


def _interval(row: Facts, axis: tuple[Decimal, Decimal]) -> dict[str, float] | None:
    """Places on the axis, from 0 to 1."""
    whole = _estimate(row)
    if whole is None:
        return None
    start, end = axis
    at, low, high = (float(((fact.number or Decimal(0)) - start) / (end - start)) for fact in whole)
    return {"at": at, "low": low, "high": high, "zero": float(-start / (end - start))}
