"""Which principles the rows of a dataset name in their column `principle`, counted in one pass."""

from collections import Counter
from typing import Any

from governance.registry.datasets.citing import cited
from training.runner.rows import Row

MOST = 2_000
"""Different names that are counted; the rows that name others are told as a number."""


class Principles:
    """Fed batch by batch; keeps a number for each name."""

    def __init__(self) -> None:
        self.rows = self.unreadable = self.left_out = 0
        self.cited: Counter[str] = Counter()

    def add(self, rows: list[Row]) -> None:
        for row in rows:
            found = cited(row)
            self.rows += bool(found.cites)
            self.unreadable += not found.readable
            kept = {name for name in found.cites if name in self.cited or len(self.cited) < MOST}
            self.cited.update(kept)
            self.left_out += kept != found.cites

    def result(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "unreadable": self.unreadable,
            "left_out": self.left_out,
            "cited": dict(sorted(self.cited.items())),
        }
