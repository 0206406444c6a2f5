"""The stage `pairs`: a dataset of rankings becomes one of preference pairs, each with the hash of the row that it comes from."""

import hashlib
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from governance.registry.datasets import row_bytes
from training.methods import BadParams
from training.methods.pairs import SOURCE, validate
from training.runner.failures import BadInput
from training.runner.job import Job
from training.runner.rows import Row, both

RANKING = "ranking"
PAIRS = "pairs.jsonl"


def run(job: Job) -> dict[str, Any]:
    """Write `pairs.jsonl` from the ranking in the role `derived_from`; the summary counts rankings, pairs and ties.

    Raises BadInput for rows of any other format and for rankings of ties alone, Cancelled after a request to stop.
    """
    _check(job)
    source = job.the_input(SOURCE)
    if source.content["format"] != RANKING:
        raise BadInput(
            f"{source.subject} holds rows of format {source.content['format']}; pairs are made from rows of format {RANKING}."
        )
    job.phase("pair", dataset=source.subject)
    total, counts = int(source.content["rows"]), {"rankings": 0, "pairs": 0, "ties": 0}
    with (job.output_dir / PAIRS).open("wb") as out:
        for stored, row in both(source):
            job.stop_if_cancelled()
            counts["rankings"] += 1
            counts["ties"] += ties(row)
            origin = hashlib.sha256(row_bytes(stored)).hexdigest()
            for pair in pairs_of(row, origin):
                out.write(row_bytes(pair) + b"\n")
                counts["pairs"] += 1
            job.progress(counts["rankings"], total, "row")
    if not counts["pairs"]:
        raise BadInput(
            f"In {source.subject} all answers of a prompt have the same rank, so there is no pair."
        )
    return counts


def _check(job: Job) -> None:
    try:
        validate(job.params)
    except BadParams as error:
        raise BadInput(str(error)) from error


def pairs_of(row: Row, source: str) -> Iterator[Row]:
    """Every two answers of different rank (1 is the best) as prompt, chosen, rejected and `source_row`, in the order of the row.

    `source` is the SHA-256 of the ranking's RFC 8785 bytes as it stands in its file.
    """
    for one, other in combinations(zip(row["responses"], row["ranks"], strict=True), 2):
        if one[1] != other[1]:
            better, worse = sorted((one, other), key=lambda answer: int(answer[1]))
            yield {"prompt": row["prompt"], "chosen": better[0], "rejected": worse[0], "source_row": source}


def ties(row: Row) -> int:
    """How many pairs of answers have the same rank."""
    return sum(one == other for one, other in combinations(row["ranks"], 2))
