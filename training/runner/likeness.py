"""Rows that stand in the dataset more than once: the same row, and nearly the same text (MinHash with bands)."""

from typing import Any

import orjson
import polars
from rensa import RMinHash, RMinHashDeduplicator

from governance.ledger.decimals import decimal_text
from training.methods.scan import Params
from training.runner.rows import Row
from training.runner.tongues import drawn

SHINGLE = 3
"""Words that follow each other and count as one token."""


class Likeness:
    def __init__(self, total: int, params: Params, seed: int) -> None:
        self.params, self.seed = params, seed
        self.rows = drawn(total, params.compared_rows, seed)
        self.hashes: list[polars.Series] = []
        self.near = RMinHashDeduplicator(
            threshold=float(params.threshold), num_perm=params.permutations, use_lsh=True, seed=seed
        )
        self.seen: set[int] = set()
        self.alike = 0

    def add(self, first: int, rows: list[Row], texts: list[str]) -> None:
        whole = [orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows]
        hashes = polars.Series(whole, dtype=polars.Binary).hash()
        self.hashes.append(hashes)
        for number, (known, text) in enumerate(zip(hashes, texts, strict=True), first):
            # The same row again is counted with the exact ones.
            if number in self.rows and known not in self.seen:
                self.seen.add(known)
                self._compare(number, text)

    def _compare(self, number: int, text: str) -> None:
        signature = RMinHash(num_perm=self.params.permutations, seed=self.seed)
        signature.update(shingles(text))
        self.alike += not self.near.add(str(number), signature)

    def result(self) -> dict[str, Any]:
        hashes = polars.concat(self.hashes)
        return {
            "exact": len(hashes) - hashes.n_unique(),
            "near": self.alike,
            "rows_compared": len(self.rows),
            "seed": self.seed,
            "threshold": decimal_text(self.params.threshold),
            "permutations": self.params.permutations,
            "shingle_words": SHINGLE,
        }


def shingles(text: str) -> list[str]:
    """The text's word triples in lower case; all of it as one where it has fewer words."""
    words = text.lower().split()
    return [" ".join(words[place : place + SHINGLE]) for place in range(max(1, len(words) - SHINGLE + 1))]
