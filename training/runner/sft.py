"""The stage `sft`: build TRL's SFTTrainer from the method's parameters, run it, keep what it made."""

from typing import Any

from transformers import set_seed
from trl import SFTConfig, SFTTrainer

from training.methods.sft import Params, validate
from training.runner import trl_job
from training.runner.callback import JobCallback
from training.runner.failures import BadInput
from training.runner.job import Job, JobInput
from training.runner.rows import Row, conversation, read_rows

FORMATS = ("messages", "prompt-completion", "text")
MARKERS = "{% generation %}"
"""What TRL names when it cannot tell who speaks."""
UNMARKED = " Or set params.assistant_only_loss to false, which trains on every turn."


def run(job: Job) -> dict[str, Any]:
    """Fine-tune the input `init_from` on the inputs `trained_on`; the model and its tokenizer end in the outputs.

    Returns the summary for `result.json`. Raises BadInput naming what cannot be used, and Cancelled, with a snapshot
    saved, after a request to stop.
    """
    params = trl_job.parameters(job, validate)
    set_seed(job.seed)
    job.phase("load")
    base = job.the_input("init_from")
    model, tokenizer = trl_job.load_model(base, params), trl_job.load_tokenizer(base)
    format, rows = _training_rows(job.inputs.get("trained_on", []), params, tokenizer)
    job.phase("prepare", rows=len(rows), format=format)
    recorder = JobCallback(job)
    trainer = _trainer(job, params, model, tokenizer, format, rows, recorder)
    left_out = 0 if params.packing else len(rows) - len(trainer.train_dataset)
    counts = {"rows": len(rows), "rows_without_answer": left_out}
    return trl_job.train(job, trainer, params, recorder, counts)


def _training_rows(inputs: list[JobInput], params: Params, tokenizer: Any) -> tuple[str, list[Row]]:
    """The rows in the format they are trained in: conversations wherever the tokenizer has a chat template."""
    format, rows = read_rows(inputs, FORMATS)
    if format == "text" and params.assistant_only_loss:
        raise BadInput("params.assistant_only_loss: rows of plain text have no assistant; set it to false.")
    if format == "messages" and not tokenizer.chat_template:
        raise BadInput(
            "The rows are conversations, and the model's tokenizer has no chat template to write them with."
        )
    if format == "prompt-completion" and tokenizer.chat_template:
        return "messages", [conversation(row) for row in rows]
    return format, rows


def _trainer(
    job: Job, params: Params, model: Any, tokenizer: Any, format: str, rows: list[Row], recorder: JobCallback
) -> SFTTrainer:
    config = _config(job, params, format, model)
    arguments = {"model": model, "args": config, "processing_class": tokenizer, "callbacks": [recorder]}
    try:
        trainer = trl_job.build(
            SFTTrainer, {"train_dataset": rows}, peft_config=trl_job.lora(params), **arguments
        )
    except BadInput as error:
        raise BadInput(f"{error}{UNMARKED if MARKERS in str(error) else ''}") from error
    if not len(trainer.train_dataset):
        raise BadInput(
            f"No row has an answer within its first {config.max_length} tokens, so there is nothing to learn: "
            "raise params.max_length, or check the rows."
        )
    return trainer


def _config(job: Job, params: Params, format: str, model: Any) -> SFTConfig:
    answers_alone = params.assistant_only_loss
    settings = trl_job.trainer_settings(job, params, model)
    return SFTConfig(
        **settings,
        packing=params.packing,
        assistant_only_loss=answers_alone and format == "messages",
        completion_only_loss=answers_alone and format == "prompt-completion",
    )
