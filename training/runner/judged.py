"""A trained reward model as the measure of another training: what it makes of the answers before and after."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from transformers import AutoModelForSequenceClassification

from training.methods.common import TrainerParams
from training.runner import held_out, measure, trl_job
from training.runner.failures import BadInput
from training.runner.held_out import Scored, number
from training.runner.job import Job, JobInput
from training.runner.preference import SIDES
from training.runner.rows import Row

ROLE = "reward"
FILE = "held-out-answers.jsonl"


class Judge(NamedTuple):
    """A reward model, with the tokenizer that it shares with the model it judges."""

    item: JobInput
    model: Any
    tokenizer: Any
    size: int
    """Texts that it reads at once."""

    def rewards(self, rows: Sequence[Row], answers: Sequence[Any]) -> list[float]:
        """The reward of each answer to the prompt of its row."""
        texts = [
            measure.whole_text(self.tokenizer, row, answer) for row, answer in zip(rows, answers, strict=True)
        ]
        return measure.rewards(self.model, self.tokenizer.pad_token_id, texts, self.size)


def judge_of(job: Job, params: TrainerParams, tokenizer: Any) -> Judge | None:
    """The reward model in the role `reward`, where the run names one. Raises BadInput for one that cannot score these texts."""
    if not job.inputs.get(ROLE):
        return None
    item = job.the_input(ROLE)
    if item.content.get("type") != "trained":
        raise BadInput(
            f"{item.subject} is a {item.content.get('type')}; only a trained reward model gives answers a reward here."
        )
    trl_job.check_same_tokens(job.the_input("init_from"), tokenizer, item, trl_job.load_tokenizer(item))
    model = trl_job.load_model(item, params, AutoModelForSequenceClassification)
    return Judge(item, model, tokenizer, params.per_device_batch_size)


def once_a_prompt(rows: Sequence[Row]) -> list[Row]:
    """The first row of each prompt."""
    return list({json.dumps(row["prompt"]): row for row in reversed(rows)}.values())[::-1]


def compare(
    judge: Judge, rows: Sequence[Row], before: Sequence[str], after: Sequence[str], folder: Path
) -> dict[str, Any]:
    """Mean reward of the answers before and after, how many rose, and how often the judge agrees with the pairs in `rows`.

    The answers with their rewards are written into `folder`.
    """
    asked = once_a_prompt(rows)
    first, second = judge.rewards(asked, before), judge.rewards(asked, after)
    told = [
        {
            "pair": row["pair"],
            "before": old,
            "after": new,
            "reward_before": str(number(a)),
            "reward_after": str(number(b)),
        }
        for row, old, new, a, b in zip(asked, before, after, first, second, strict=True)
    ]
    (folder / FILE).write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in told), encoding="utf-8"
    )
    moved = [b - a for a, b in zip(first, second, strict=True)]
    return {
        "subject": judge.item.subject,
        "n": len(asked),
        "before": number(fmean(first)),
        "after": number(fmean(second)),
        "higher": sum(by > 0 for by in moved),
        "lower": sum(by < 0 for by in moved),
        "agreement": held_out.agreement(_scored(judge, rows)),
        "file": FILE,
    }


def _scored(judge: Judge, rows: Sequence[Row]) -> list[Scored]:
    chosen, rejected = (judge.rewards(rows, [row[side] for row in rows]) for side in SIDES)
    return [
        Scored(row["pair"], row["domain"], *found) for row, *found in zip(rows, chosen, rejected, strict=True)
    ]
