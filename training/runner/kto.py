"""The stage `kto`: build TRL's KTOTrainer on answers that are called good or bad, and run it."""

from typing import Any

from transformers import set_seed
from trl import KTOConfig, KTOTrainer

from training.methods.kto import Params, validate
from training.runner import trl_job
from training.runner.callback import JobCallback
from training.runner.failures import BadInput
from training.runner.job import Job
from training.runner.references import reference_of
from training.runner.rows import Row, read_rows

FORMATS = ("unpaired-preference",)


def run(job: Job) -> dict[str, Any]:
    """Train the input `init_from` on the labelled answers of `trained_on`, held close to `reference_model` (or to itself).

    Model and tokenizer end in the outputs. Returns the summary for `result.json`. Raises BadInput naming what cannot be used,
    and Cancelled, with a snapshot saved, after a request to stop.
    """
    params = trl_job.parameters(job, validate)
    set_seed(job.seed)
    job.phase("load")
    base = job.the_input("init_from")
    model, tokenizer = trl_job.load_model(base, params), trl_job.load_tokenizer(base)
    rows = _rows(job, tokenizer)
    good = sum(row["label"] for row in rows)
    job.phase("prepare", rows=len(rows), good=good)
    recorder = JobCallback(job)
    trainer = trl_job.build(
        KTOTrainer,
        {"train_dataset": rows},
        model=model,
        ref_model=reference_of(job, params, tokenizer),
        args=_config(job, params, model),
        processing_class=tokenizer,
        peft_config=trl_job.lora(params),
        callbacks=[recorder],
    )
    counts = {"rows": len(rows), "rows_good": good, "rows_bad": len(rows) - good}
    return trl_job.train(job, trainer, params, recorder, counts)


def _rows(job: Job, tokenizer: Any) -> list[Row]:
    """The rows as conversations wherever there is a template to write one with. Raises BadInput where one kind is missing."""
    _, rows = read_rows(job.inputs.get("trained_on", []), FORMATS)
    for label, word in ((True, "good"), (False, "bad")):
        if all(row["label"] is not label for row in rows):
            raise BadInput(
                f"No answer is called {word}; this method learns from good and bad answers together."
            )
    if not tokenizer.chat_template:
        return rows
    return [
        {**row, "prompt": _turns(row["prompt"], "user"), "completion": _turns(row["completion"], "assistant")}
        for row in rows
    ]


def _turns(said: str | list[Row], role: str) -> list[Row]:
    return [{"role": role, "content": said}] if isinstance(said, str) else said


def _config(job: Job, params: Params, model: Any) -> KTOConfig:
    return KTOConfig(
        **trl_job.trainer_settings(job, params, model),
        beta=float(params.beta),
        loss_type=params.loss_type,
        desirable_weight=float(params.desirable_weight),
        undesirable_weight=float(params.undesirable_weight),
    )
