"""Which languages the rows are written in, guessed row by row; of many rows on a sample drawn with the run's seed."""

import random
from collections import Counter
from typing import Any

import py3langid

from training.runner.measures import share

CHARACTERS = 1_000
"""How much of a row is looked at."""
SHORTEST = 20
"""Characters below which a guess is worth nothing."""


def drawn(total: int, wanted: int, seed: int) -> range | set[int]:
    """Numbers (from 1) of the rows to look at: all, or `wanted` of them."""
    if total <= wanted:
        return range(1, total + 1)
    return set(random.Random(seed).sample(range(1, total + 1), wanted))  # noqa: S311 -- a reproducible sample


class Languages:
    def __init__(self, total: int, wanted: int, seed: int) -> None:
        self.rows, self.seed = drawn(total, wanted, seed), seed
        self.counts: Counter[str] = Counter()
        self.too_short = 0

    def add(self, first: int, texts: list[str]) -> None:
        for number, text in enumerate(texts, first):
            if number in self.rows:
                self._guess(text[:CHARACTERS])

    def _guess(self, text: str) -> None:
        if len(text.strip()) < SHORTEST:
            self.too_short += 1
        else:
            self.counts[py3langid.classify(text)[0]] += 1

    def result(self) -> dict[str, Any]:
        guessed = self.counts.total()
        return {
            "rows": len(self.rows),
            "seed": self.seed,
            "too_short": self.too_short,
            "shares": {tag: share(count, guessed) for tag, count in sorted(self.counts.items())},
        }
