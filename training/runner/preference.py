"""Preference pairs as TRL reads them, and which of them are kept out of training to measure the result on."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from governance.registry.datasets import row_bytes
from training.methods.common import PreferenceParams
from training.runner.failures import BadInput
from training.runner.job import Job, JobInput
from training.runner.rows import Row, read_rows

FORMATS = ("preference",)
SIDES = ("chosen", "rejected")


class Pairs(NamedTuple):
    """Rows of prompt, chosen, rejected, `domain` (the dataset's subject) and `pair` (SHA-256 of the row)."""

    train: list[Row]
    held_out: list[Row]
    source: str
    """Where the held-out pairs come from, in words."""
    equal: int
    """Pairs of equal answers, which prefer nothing and are passed over."""
    fewest: int
    """Held-out pairs that must be left once those that are too long are gone."""


def read_pairs(job: Job, params: PreferenceParams, tokenizer: Any) -> Pairs:
    """The pairs of `trained_on`, split by prompt unless the run names others as `evaluated_on`. Raises BadInput."""
    found, equal = _rows(job.inputs.get("trained_on", []), tokenizer)
    apart = job.inputs.get("evaluated_on", [])
    if not apart:
        return _split(found, equal, params, job.seed)
    measured, more = _rows(apart, tokenizer)
    seen = {row["pair"] for row in found}
    if both := sum(row["pair"] in seen for row in measured):
        raise BadInput(
            f"{both} of the pairs in {', '.join(item.subject for item in apart)} are also trained on; measured on them, "
            "the result would say nothing. Name other pairs as evaluated_on, or leave it out."
        )
    source = f"The pairs of {', '.join(item.subject for item in apart)}"
    return Pairs(found, measured, source, equal=equal + more, fewest=1)


def _rows(inputs: Sequence[JobInput], tokenizer: Any) -> tuple[list[Row], int]:
    """The pairs of all the inputs, and how many were passed over since their answers are equal."""
    if not inputs:
        raise BadInput("The run names no dataset to train on.")
    read = [(item, row) for item in inputs for row in read_rows([item], FORMATS)[1]]
    kept = [
        {
            **_written(row, item, tokenizer),
            "domain": item.subject,
            "pair": hashlib.sha256(row_bytes(row)).hexdigest(),
        }
        for item, row in read
        if row["chosen"] != row["rejected"]
    ]
    return kept, len(read) - len(kept)


def _written(row: Row, item: JobInput, tokenizer: Any) -> Row:
    """The row as conversation, wherever there is a template to write one with; plain text otherwise."""
    if tokenizer.chat_template:
        said = {side: _turns(row[side], "assistant") for side in SIDES}
        return {**row, "prompt": _turns(row["prompt"], "user"), **said}
    if any(not isinstance(said, str) for said in row.values()):
        raise BadInput(
            f"The rows of {item.subject} are conversations, and the model's tokenizer has no chat template to write "
            "them with."
        )
    return row


def _turns(said: str | list[Row], role: str) -> list[Row]:
    return [{"role": role, "content": said}] if isinstance(said, str) else said


def _split(rows: list[Row], equal: int, params: PreferenceParams, seed: int) -> Pairs:
    """Keep whole prompts out, drawn by `seed`: a model that has seen a prompt's other pair is not measured on this one."""
    if not params.held_out:
        return Pairs(rows, [], "", equal=equal, fewest=0)
    wanted = max(params.held_out_min, round(params.held_out * len(rows)))
    by_prompt: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        by_prompt[hashlib.sha256(row_bytes({"prompt": row["prompt"]})).hexdigest()].append(place)
    groups = list(by_prompt.values())
    random.Random(seed).shuffle(groups)  # noqa: S311 -- a reproducible choice, not a secret
    kept_out: set[int] = set()
    while len(kept_out) < wanted and groups:
        kept_out.update(groups.pop())
    if len(kept_out) > len(rows) / 2:
        raise BadInput(
            f"params.held_out: of {len(rows)} pairs, {len(kept_out)} would be kept out of training, more than half. "
            "Lower held_out and held_out_min, add pairs, or name others as evaluated_on."
        )
    return Pairs(
        [row for place, row in enumerate(rows) if place not in kept_out],
        [rows[place] for place in sorted(kept_out)],
        f"{len(kept_out)} of {len(rows)} pairs, whole prompts drawn with seed {seed} and kept out of training",
        equal=equal,
        fewest=params.held_out_min,
    )


def datasets_of(pairs: Pairs) -> dict[str, list[Row]]:
    """The pairs by the names of a trainer's arguments."""
    kept = {"eval_dataset": pairs.held_out} if pairs.held_out else {}
    return {"train_dataset": pairs.train, **kept}


def leave_out_long(pairs: Pairs, trainer: Any) -> dict[str, int]:
    """Take out of the trainer's datasets what its `max_length` would cut: half an answer is no better or worse than another.

    Returns counts for the summary. Raises BadInput where too few pairs are left.
    """
    longest = trainer.args.max_length
    trainer.train_dataset = _fitting(trainer.train_dataset, longest)
    trainer.eval_dataset = _fitting(trainer.eval_dataset, longest) if pairs.held_out else None
    left, kept = len(trainer.train_dataset), len(trainer.eval_dataset or ())
    if not left:
        raise BadInput(
            f"None of the {len(pairs.train)} pairs fits into {longest} tokens, prompt and answer together: raise "
            "params.max_length, use a model with a longer context, or shorten the rows."
        )
    if kept < pairs.fewest:
        raise BadInput(
            f"Of {len(pairs.held_out)} held-out pairs {kept} fit into {longest} tokens, and at least {pairs.fewest} must: "
            "raise params.max_length, lower params.held_out_min, or shorten the rows."
        )
    too_long = len(pairs.train) - left + len(pairs.held_out) - kept
    return {
        "rows": len(pairs.train),
        "rows_held_out": kept,
        "rows_too_long": too_long,
        "rows_of_equal_answers": pairs.equal,
    }


def _fitting(rows: Any, longest: int) -> Any:
    """The rows of a prepared dataset that are not too long; a reward trainer has left out its own already."""
    if "prompt_ids" not in rows.column_names:
        return rows
    return rows.filter(
        lambda row: len(row["prompt_ids"]) + max(len(row[f"{side}_ids"]) for side in SIDES) <= longest
    )
