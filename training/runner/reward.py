"""The stage `reward`: build TRL's RewardTrainer, run it, and measure the result on pairs that were kept out."""

from typing import Any

from peft import TaskType
from transformers import AutoModelForSequenceClassification, set_seed
from trl import RewardConfig, RewardTrainer

from training.methods.reward import Params, validate
from training.runner import held_out, measure, trl_job
from training.runner.callback import JobCallback
from training.runner.held_out import Scored
from training.runner.job import Job
from training.runner.preference import SIDES, Pairs, datasets_of, leave_out_long, read_pairs


def run(job: Job) -> dict[str, Any]:
    """Train a reward model from the input `init_from` on the pairs of `trained_on`.

    Model, tokenizer and the held-out scores end in the outputs. Returns the summary for `result.json`, with what was
    measured under `held_out`. Raises BadInput naming what cannot be used, and Cancelled, with a snapshot saved, after
    a request to stop.
    """
    params = trl_job.parameters(job, validate)
    # The reward head begins with random values.
    set_seed(job.seed)
    job.phase("load")
    base = job.the_input("init_from")
    tokenizer = trl_job.load_tokenizer(base)
    pairs = read_pairs(job, params, tokenizer)
    model = trl_job.load_model(base, params, AutoModelForSequenceClassification, num_labels=1)
    job.phase("prepare", rows=len(pairs.train), held_out=len(pairs.held_out))
    recorder = JobCallback(job)
    trainer = _trainer(job, params, model, tokenizer, pairs, recorder)
    counts = leave_out_long(pairs, trainer)
    summary = trl_job.train(job, trainer, params, recorder, counts)
    return {**summary, **_measured(job, params, trainer, pairs)}


def _trainer(
    job: Job, params: Params, model: Any, tokenizer: Any, pairs: Pairs, recorder: JobCallback
) -> RewardTrainer:
    config = RewardConfig(
        **trl_job.trainer_settings(job, params, model),
        center_rewards_coefficient=float(params.center_rewards_coefficient) or None,
    )
    return trl_job.build(
        RewardTrainer,
        datasets_of(pairs),
        model=model,
        args=config,
        processing_class=tokenizer,
        peft_config=trl_job.lora(params, TaskType.SEQ_CLS),
        callbacks=[recorder],
    )


def _measured(job: Job, params: Params, trainer: RewardTrainer, pairs: Pairs) -> dict[str, Any]:
    """Accuracy on the held-out pairs; nothing where none were kept, and on all but the leading process."""
    rows = trainer.eval_dataset
    if rows is None or not trainer.is_world_process_zero():
        return {}
    job.event("phase", name="measure", pairs=len(rows))
    pad, size = trainer.processing_class.pad_token_id, params.per_device_batch_size
    chosen, rejected = (
        measure.rewards(trainer.model, pad, list(rows[f"{side}_ids"]), size) for side in SIDES
    )
    scored = [Scored(*found) for found in zip(rows["pair"], rows["domain"], chosen, rejected, strict=True)]
    return {"held_out": held_out.report(scored, pairs.source, job.output_dir)}
