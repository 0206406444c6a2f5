"""The stage `dpo`: build TRL's DPOTrainer, run it, and measure the result on pairs that were kept out."""

from typing import Any, NamedTuple

from transformers import set_seed
from trl import DPOConfig, DPOTrainer

from training.methods.dpo import Params, validate
from training.runner import held_out, judged, measure, trl_job
from training.runner.callback import JobCallback
from training.runner.held_out import Scored
from training.runner.job import Job
from training.runner.judged import Judge
from training.runner.preference import SIDES, Pairs, datasets_of, leave_out_long, read_pairs
from training.runner.references import reference_of


class Before(NamedTuple):
    """What is known of the held-out pairs before the first step."""

    log_probabilities: dict[str, list[float]]
    """Side → log probability of each of its answers under the reference model."""
    answers: list[str]
    """The model's answers to the prompts, where somebody judges them."""


def run(job: Job) -> dict[str, Any]:
    """Train the input `init_from` on the pairs of `trained_on`, held close to `reference_model` (or to itself).

    Model, tokenizer and the held-out scores end in the outputs. Returns the summary for `result.json`, with what was
    measured under `held_out` and `reward`. Raises BadInput naming what cannot be used, and Cancelled, with a snapshot
    saved, after a request to stop.
    """
    params = trl_job.parameters(job, validate)
    set_seed(job.seed)
    job.phase("load")
    base = job.the_input("init_from")
    model, tokenizer = trl_job.load_model(base, params), trl_job.load_tokenizer(base)
    pairs = read_pairs(job, params, tokenizer)
    judge = judged.judge_of(job, params, tokenizer)
    job.phase("prepare", rows=len(pairs.train), held_out=len(pairs.held_out))
    recorder = JobCallback(job)
    trainer = _trainer(job, params, model, tokenizer, pairs, recorder)
    counts = leave_out_long(pairs, trainer)
    before = _before(job, params, trainer, judge)
    summary = trl_job.train(job, trainer, params, recorder, counts)
    return {**summary, **_measured(job, params, trainer, pairs, before, judge)}


def _trainer(
    job: Job, params: Params, model: Any, tokenizer: Any, pairs: Pairs, recorder: JobCallback
) -> DPOTrainer:
    config = DPOConfig(
        **trl_job.trainer_settings(job, params, model),
        beta=float(params.beta),
        loss_type=[params.loss_type, *(["sft"] if params.nll_weight else [])],
        loss_weights=[1.0, *([float(params.nll_weight)] if params.nll_weight else [])],
        label_smoothing=float(params.label_smoothing),
    )
    return trl_job.build(
        DPOTrainer,
        datasets_of(pairs),
        model=model,
        ref_model=reference_of(job, params, tokenizer),
        args=config,
        processing_class=tokenizer,
        peft_config=trl_job.lora(params),
        callbacks=[recorder],
    )


def _before(job: Job, params: Params, trainer: DPOTrainer, judge: Judge | None) -> Before | None:
    """None where there is nothing to measure, and on all but the leading process.

    A fresh adapter adds nothing, so that the model under it is the reference until the first step.
    """
    if trainer.eval_dataset is None or not trainer.is_world_process_zero():
        return None
    job.event("phase", name="measure", pairs=len(trainer.eval_dataset))
    reference = trainer.model if trainer.ref_model is None else trainer.ref_model
    answers = _answers(params, trainer) if judge else []
    return Before(_log_probabilities(params, trainer, reference), answers)


def _measured(
    job: Job, params: Params, trainer: DPOTrainer, pairs: Pairs, before: Before | None, judge: Judge | None
) -> dict[str, Any]:
    """The implicit reward, beta times the log ratio of model to reference, of the held-out pairs; and what the judge says."""
    if before is None:
        return {}
    rows = trainer.eval_dataset
    job.event("phase", name="measure", pairs=len(rows))
    after, beta = _log_probabilities(params, trainer, trainer.model), float(params.beta)
    rewards = [
        [beta * (now - then) for now, then in zip(after[side], before.log_probabilities[side], strict=True)]
        for side in SIDES
    ]
    scored = [Scored(*found) for found in zip(rows["pair"], rows["domain"], *rewards, strict=True)]
    found = {"held_out": held_out.report(scored, pairs.source, job.output_dir)}
    if judge:
        now = _answers(params, trainer)
        found["reward"] = judged.compare(judge, list(rows), before.answers, now, job.output_dir)
    return found


def _log_probabilities(params: Params, trainer: DPOTrainer, model: Any) -> dict[str, list[float]]:
    rows, pad = trainer.eval_dataset, trainer.processing_class.pad_token_id
    return {
        side: measure.log_probabilities(
            model,
            pad,
            list(zip(rows["prompt_ids"], rows[f"{side}_ids"], strict=True)),
            params.per_device_batch_size,
        )
        for side in SIDES
    }


def _answers(params: Params, trainer: DPOTrainer) -> list[str]:
    asked = judged.once_a_prompt(list(trainer.eval_dataset))
    return measure.answers(
        trainer.model,
        trainer.processing_class,
        asked,
        params.answer_tokens,
        params.per_device_batch_size,
    )
