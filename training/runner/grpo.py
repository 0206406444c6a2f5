"""The stage `grpo`: build TRL's GRPOTrainer on verifiers and a reward model, run it, and answer prompts that were kept out."""

import json
import random
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from transformers import set_seed
from trl import GRPOConfig, GRPOTrainer

from training.methods.grpo import Params, validate
from training.methods.verifiers import Verifier, needs_target, score
from training.runner import held_out, judged, measure, trl_job
from training.runner.callback import JobCallback
from training.runner.failures import BadInput
from training.runner.held_out import number
from training.runner.job import Job
from training.runner.judged import Judge
from training.runner.rows import Row, read_rows

FORMATS = ("prompt-only",)
FILE = "held-out-answers.jsonl"
Reward = Callable[..., list[float | None]]


def run(job: Job) -> dict[str, Any]:
    """Train the input `init_from` on its own answers to the prompts of `trained_on`, rewarded by verifiers and `reward`.

    Model, tokenizer and the answers to the held-out prompts end in the outputs. Returns the summary for `result.json`, with
    what was measured under `verified`. Raises BadInput naming what cannot be used, and Cancelled, with a snapshot saved,
    after a request to stop.
    """
    params = trl_job.parameters(job, validate)
    set_seed(job.seed)
    job.phase("load")
    base = job.the_input("init_from")
    model, tokenizer = trl_job.load_model(base, params), trl_job.load_tokenizer(base)
    judge = judged.judge_of(job, params, tokenizer)
    if not params.verifiers and judge is None:
        raise BadInput(
            "Nothing rewards an answer: name params.verifiers, or a reward model in the role reward."
        )
    rows, apart, too_long = _prompts(job, params, tokenizer)
    job.phase("prepare", rows=len(rows), held_out=len(apart))
    recorder = JobCallback(job)
    trainer = _trainer(job, params, model, tokenizer, rows, _rewards(params, judge), recorder)
    before = _answers(params, trainer, apart)
    counts = {"rows": len(rows), "rows_held_out": len(apart), "rows_too_long": too_long}
    summary = trl_job.train(job, trainer, params, recorder, counts)
    return {**summary, **_measured(job, params, trainer, apart, before)}


def _prompts(job: Job, params: Params, tokenizer: Any) -> tuple[list[Row], list[Row], int]:
    """(prompts to train on, prompts kept out, how many were too long), each prompt once. Raises BadInput."""
    _, found = read_rows(job.inputs.get("trained_on", []), FORMATS)
    if not tokenizer.chat_template:
        raise BadInput("The model's tokenizer has no chat template, and prompts are asked as conversations.")
    asked: dict[str, Row] = {}
    for place, row in enumerate(found, 1):
        if needs_target(params.verifiers) and not str(row.get("target") or "").strip():
            raise BadInput(
                f"Row {place} has no target, and the verifier exact_answer compares with it. Add the column target, or "
                "name it with `columns:` when you register the dataset."
            )
        prompt = row["prompt"]
        turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        target = None if row.get("target") is None else str(row["target"])
        asked.setdefault(json.dumps(turns, sort_keys=True), {"prompt": turns, "target": target})
    rows = [row for row in asked.values() if measure.length(tokenizer, row["prompt"]) <= params.max_length]
    if not rows:
        raise BadInput(
            f"No prompt fits into {params.max_length} tokens: raise params.max_length, or check the rows."
        )
    random.Random(job.seed).shuffle(rows)  # noqa: S311 -- a reproducible choice, not a secret
    kept = round(params.held_out * len(rows))
    if kept == len(rows):
        raise BadInput("params.held_out: it leaves no prompt to train on; lower it, or add prompts.")
    return rows[kept:], rows[:kept], len(asked) - len(rows)


def _trainer(
    job: Job,
    params: Params,
    model: Any,
    tokenizer: Any,
    rows: list[Row],
    rewards: list[tuple[Reward, float]],
    recorder: JobCallback,
) -> GRPOTrainer:
    settings = trl_job.trainer_settings(job, params, model)
    settings.pop("max_length")
    config = GRPOConfig(
        **settings,
        num_generations=params.num_generations,
        max_completion_length=params.max_completion_length,
        temperature=float(params.temperature),
        top_p=float(params.top_p),
        beta=float(params.beta),
        epsilon=float(params.epsilon),
        epsilon_high=None if params.epsilon_high is None else float(params.epsilon_high),
        loss_type=params.loss_type,
        scale_rewards=params.scale_rewards,
        reward_weights=[weight for _, weight in rewards],
        remove_unused_columns=False,
    )
    return trl_job.build(
        GRPOTrainer,
        {"train_dataset": rows},
        model=model,
        reward_funcs=[reward for reward, _ in rewards],
        args=config,
        processing_class=tokenizer,
        peft_config=trl_job.lora(params),
        callbacks=[recorder],
    )


def _rewards(params: Params, judge: Judge | None) -> list[tuple[Reward, float]]:
    """(reward function, weight) of each verifier and of the judge; names are unique, since TRL logs by them."""
    found = [
        (_verified(verifier, f"{verifier.check}_{place}"), float(verifier.weight))
        for place, verifier in enumerate(params.verifiers, 1)
    ]
    if judge is not None:
        found.append((_judged(judge, params.reward_from_step), float(params.reward_weight)))
    return found


def _verified(verifier: Verifier, name: str) -> Reward:
    def reward(
        completions: Sequence[Any], target: Sequence[str | None], trainer_state: Any, **_: Any
    ) -> list[float | None]:
        # Outside its window a reward is None: TRL leaves it out of sum and mean.
        if not verifier.counts_at(trainer_state.global_step):
            return [None] * len(completions)
        return [score(verifier, said(one), right) for one, right in zip(completions, target, strict=True)]

    reward.__name__ = name
    return reward


def _judged(judge: Judge, from_step: int) -> Reward:
    def reward_model(
        prompts: Sequence[Any], completions: Sequence[Any], trainer_state: Any, **_: Any
    ) -> list[float | None]:
        if trainer_state.global_step < from_step:
            return [None] * len(completions)
        return list(judge.rewards([{"prompt": prompt} for prompt in prompts], list(completions)))

    return reward_model


def said(completion: Any) -> str:
    """The text of an answer, which TRL gives as text or as turns."""
    return completion if isinstance(completion, str) else str(completion[-1]["content"])


def _answers(params: Params, trainer: GRPOTrainer, rows: Sequence[Row]) -> list[str]:
    """Greedy answers to the held-out prompts; none on all but the leading process."""
    if not rows or not trainer.is_world_process_zero():
        return []
    tokenizer, size = trainer.processing_class, params.per_device_batch_size
    return measure.answers(trainer.model, tokenizer, rows, params.max_completion_length, size)


def _measured(
    job: Job, params: Params, trainer: GRPOTrainer, rows: Sequence[Row], before: Sequence[str]
) -> dict[str, Any]:
    """What each verifier gives the greedy answers before and after, with the answers in the outputs."""
    if not before or not params.verifiers:
        return {}
    job.event("phase", name="measure", prompts=len(rows))
    after = _answers(params, trainer, rows)
    lines, parts = [], []
    for verifier in params.verifiers:
        scores = [
            [score(verifier, text, row["target"]) for text, row in zip(texts, rows, strict=True)]
            for texts in (before, after)
        ]
        parts.append({"check": verifier.check, **_change(*scores)})
    for row, old, new in zip(rows, before, after, strict=True):
        lines.append(
            {"prompt": row["prompt"][-1]["content"], "target": row["target"], "before": old, "after": new}
        )
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (job.output_dir / FILE).write_text(text, encoding="utf-8")
    return {"verified": {"n": len(rows), "by_check": parts, "decoding": "greedy", "file": FILE}}


def _change(before: Sequence[float], after: Sequence[float]) -> dict[str, Any]:
    """Mean score before and after, how many rose and fell; for scores of 0 and 1 alone, Wilson's interval of the share after."""
    told: dict[str, Any] = {
        "before": number(fmean(before)),
        "after": number(fmean(after)),
        "higher": sum(new > old for old, new in zip(before, after, strict=True)),
        "lower": sum(new < old for old, new in zip(before, after, strict=True)),
    }
    if set(after) <= {0.0, 1.0}:
        low, high = held_out.wilson(int(sum(after)), len(after))
        told |= {"ci_low": number(low), "ci_high": number(high)}
    return told
