"""What can be measured of rows in one pass: lengths by column, turns, which answer is longer, forms of personal data."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import polars

from training.runner.personal import FINDERS
from training.runner.rows import Row

MOST_COLUMNS = 100
PAIRED = frozenset(("preference", "implicit-preference", "hh-rlhf"))
TOLD = ("prompt", "messages")
WORDS = r"\S+"


def share(part: int, whole: int) -> str | None:
    """`part` of `whole` as decimal text with four places, None of nothing."""
    return format((Decimal(part) / whole).quantize(Decimal("0.0001")), "f") if whole else None


class Measures:
    """Fed batch by batch; keeps four bytes a row for each measure of length, and counts."""

    def __init__(self, format: str, first_rows: int) -> None:
        self.format, self.first_rows = format, first_rows
        self.lengths: dict[str, dict[str, list[polars.Series]]] = {}
        self.left_out = 0
        self.turns: list[polars.Series] = []
        self.longer: dict[str, dict[str, int]] = {
            unit: {"chosen": 0, "rejected": 0, "ties": 0} for unit in ("words", "characters")
        }
        self.found: dict[str, dict[str, Any]] = {
            name: {"matches": 0, "rows": 0, "first_rows": []} for name in FINDERS
        }

    def add(self, first: int, rows: list[Row]) -> list[str]:
        """Measure rows numbered from `first`; returns each row's text, all of its columns together."""
        cells = [(number, *cell) for number, row in enumerate(rows, first) for cell in texts_of(row).items()]
        frame = polars.DataFrame(
            cells, schema={"row": polars.UInt64, "column": polars.String, "text": polars.String}, orient="row"
        )
        self._lengths(frame)
        self._personal(frame)
        if turns := [count for row in rows if (count := turns_in(row))]:
            self.turns.append(polars.Series(turns, dtype=polars.UInt32))
        if self.format in PAIRED:
            self._pairs(rows)
        whole: dict[int, list[str]] = defaultdict(list)
        for number, _, text in cells:
            whole[number].append(text)
        return ["\n".join(whole[number]) for number in range(first, first + len(rows))]

    def result(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "columns": {
                name: {unit: spread(series) for unit, series in units.items()}
                for name, units in sorted(self.lengths.items())
            },
            "columns_left_out": self.left_out,
            "turns": spread(self.turns) if self.turns else None,
            "chosen_longer": None,
            "personal_data": self.found,
        }
        if self.format in PAIRED:
            told["chosen_longer"] = {unit: _compared(counts) for unit, counts in self.longer.items()}
        return told

    def _lengths(self, frame: polars.DataFrame) -> None:
        measured = frame.select(
            "column",
            polars.col("text").str.len_chars().alias("characters"),
            polars.col("text").str.count_matches(WORDS).alias("words"),
        )
        for (name,), part in measured.group_by("column"):
            if name not in self.lengths and len(self.lengths) >= MOST_COLUMNS:
                self.left_out += len(part)
                continue
            units = self.lengths.setdefault(str(name), {"characters": [], "words": []})
            for unit, series in units.items():
                series.append(part[unit].cast(polars.UInt32))

    def _personal(self, frame: polars.DataFrame) -> None:
        for name, finder in FINDERS.items():
            suspects = frame.lazy().filter(polars.col("text").str.contains(finder.sign)).collect()
            counted: dict[int, int] = defaultdict(int)
            for number, text in suspects.select("row", "text").iter_rows():
                counted[number] += finder.count(text)
            hit = sorted(number for number, count in counted.items() if count)
            told = self.found[name]
            told["matches"] += sum(counted.values())
            told["rows"] += len(hit)
            told["first_rows"] += hit[: self.first_rows - len(told["first_rows"])]

    def _pairs(self, rows: list[Row]) -> None:
        said = polars.DataFrame(
            {side: [last_words(row[side]) for row in rows] for side in ("chosen", "rejected")},
            schema={"chosen": polars.String, "rejected": polars.String},
        )
        for unit, measure in (
            ("words", polars.all().str.count_matches(WORDS)),
            ("characters", polars.all().str.len_chars()),
        ):
            lengths = said.select(measure)
            counts = self.longer[unit]
            counts["chosen"] += int((lengths["chosen"] > lengths["rejected"]).sum())
            counts["rejected"] += int((lengths["chosen"] < lengths["rejected"]).sum())
            counts["ties"] += int((lengths["chosen"] == lengths["rejected"]).sum())


def _compared(counts: dict[str, int]) -> dict[str, Any]:
    """P(chosen is longer), ties left out; a share alone is not bad, whatever it is."""
    decided = counts["chosen"] + counts["rejected"]
    return {
        "n": decided,
        "ties": counts["ties"],
        "longer": counts["chosen"],
        "share": share(counts["chosen"], decided),
    }


def spread(series: list[polars.Series]) -> dict[str, int]:
    """How many, smallest, median, 95th percentile (both the nearest lower value that occurs) and largest."""
    whole = polars.concat(series)
    return {
        "n": len(whole),
        "min": int(whole.min()),
        "median": int(whole.quantile(0.5, "lower")),
        "p95": int(whole.quantile(0.95, "lower")),
        "max": int(whole.max()),
    }


def texts_of(row: Row) -> dict[str, str]:
    """The text in each column of a row that holds text: itself, or that of its messages or list items, one below the other."""
    found = {name: text_of(value) for name, value in row.items()}
    return {name: text for name, text in found.items() if text is not None}


def text_of(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return text_of([*value.values()] if "role" not in value else [value.get("content"), *_calls(value)])
    if isinstance(value, list):
        parts = [text for item in value if (text := text_of(item)) is not None]
        return "\n".join(parts) if parts else None
    return None


def _calls(turn: Row) -> list[Any]:
    return [turn["tool_calls"]] if turn.get("tool_calls") else []


def turns_in(row: Row) -> int:
    """Messages of the row's conversation: of `messages`, or of the prompt (before the answers that are compared)."""
    return next((len(row[name]) for name in TOLD if isinstance(row.get(name), list)), 0)


def last_words(said: Any) -> str:
    """An answer's text; of several messages that of the last."""
    if isinstance(said, str):
        return said
    return str(said[-1].get("content") or "") if said else ""
