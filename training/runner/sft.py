"""The stage `sft`: build TRL's SFTTrainer from the method's parameters, run it, keep what it made."""

import math
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
from trl import SFTConfig, SFTTrainer

from governance.registry.weights import BadModel, describe
from training.methods import BadParams
from training.methods.sft import Params, validate
from training.runner.callback import JobCallback
from training.runner.failures import BadInput, Cancelled
from training.runner.job import Job, JobInput
from training.runner.portable import portable_config
from training.runner.rows import Row, conversation, read_rows
from training.runner.snapshots import newest_intact

FORMATS = ("messages", "prompt-completion", "text")


def run(job: Job) -> dict[str, Any]:
    """Fine-tune the input `init_from` on the inputs `trained_on`; the model and its tokenizer end in the outputs.

    Returns the summary for `result.json`. Raises BadInput naming what cannot be used, and Cancelled, with a snapshot
    saved, after a request to stop.
    """
    params = _params(job)
    set_seed(job.seed)
    job.phase("load")
    base = job.the_input("init_from")
    model, tokenizer = load_model(base, params), load_tokenizer(base)
    format, rows = _training_rows(job.inputs.get("trained_on", []), params, tokenizer)
    job.phase("prepare", rows=len(rows), format=format)
    recorder = JobCallback(job)
    trainer = _trainer(job, params, model, tokenizer, format, rows, recorder)
    seconds = _train(job, trainer)
    summary = _summary(trainer, params, len(rows), seconds, recorder.seconds)
    _stop_unless_whole(job, trainer, summary)
    job.event("phase", name="save")
    _save(trainer, job.output_dir)
    return {**summary, **_weights(job.output_dir)}


def load_model(base: JobInput, params: Params) -> Any:
    """The model to begin from, from safetensors alone. Raises BadInput for any other weights and for what will not load."""
    folder = base.files_at()
    try:
        describe(folder)
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, params.dtype),
            attn_implementation=params.attention,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (BadModel, ImportError, KeyError, ValueError) as error:
        raise BadInput(f"{base.subject} cannot be loaded: {error}") from error


def load_tokenizer(base: JobInput) -> Any:
    """The tokenizer that lies beside the model. Raises BadInput where it will not load."""
    try:
        return AutoTokenizer.from_pretrained(base.files_at(), local_files_only=True, trust_remote_code=False)
    except (KeyError, ValueError) as error:
        raise BadInput(f"The tokenizer of {base.subject} cannot be loaded: {error}") from error


def _params(job: Job) -> Params:
    try:
        return validate(job.params)
    except BadParams as error:
        raise BadInput(str(error)) from error


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
    config = _config(job, params, format, model.config)
    try:
        trainer = SFTTrainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            callbacks=[recorder],
        )
    except (ValueError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise BadInput(f"The trainer refuses these rows or parameters: {error}") from error
    if not len(trainer.train_dataset):
        raise BadInput(
            f"No row has an answer within its first {config.max_length} tokens, so there is nothing to learn: "
            "raise params.max_length, or check the rows."
        )
    return trainer


def _config(job: Job, params: Params, format: str, model_config: Any) -> SFTConfig:
    longest = getattr(model_config, "max_position_embeddings", None) or params.max_length
    answers_alone = params.assistant_only_loss
    return SFTConfig(
        **portable_config(job),
        max_steps=params.max_steps or -1,
        num_train_epochs=float(params.epochs or 1),
        learning_rate=float(params.learning_rate),
        lr_scheduler_type=params.lr_scheduler,
        warmup_steps=params.warmup_steps,
        weight_decay=float(params.weight_decay),
        max_grad_norm=float(params.max_grad_norm),
        per_device_train_batch_size=params.per_device_batch_size,
        gradient_accumulation_steps=params.gradient_accumulation,
        activation_checkpointing=params.gradient_checkpointing,
        max_length=min(params.max_length, longest),
        packing=params.packing,
        assistant_only_loss=answers_alone and format == "messages",
        completion_only_loss=answers_alone and format == "prompt-completion",
        logging_steps=params.logging_steps,
        save_strategy="steps" if params.save_steps else "no",
        save_steps=params.save_steps or 500,
    )


def _train(job: Job, trainer: SFTTrainer) -> float:
    """Train, from the newest snapshot of this job where there is one; returns the seconds that this attempt took."""
    snapshot = newest_intact(job)
    begun = time.monotonic()
    trainer.train(resume_from_checkpoint=str(snapshot) if snapshot else None)
    return time.monotonic() - begun


def _stop_unless_whole(job: Job, trainer: SFTTrainer, summary: Mapping[str, Any]) -> None:
    """Raise Cancelled where the training was stopped half way, and BadInput where it came to no numbers."""
    done, wanted = trainer.state.global_step, trainer.state.max_steps
    if done < wanted:
        raise Cancelled(f"Stopped on request after step {done} of {wanted}; a snapshot was saved.", summary)
    if not math.isfinite(_last(trainer, "loss", 0.0)):
        raise BadInput(
            "The loss is not a number any more: the training diverged. Lower params.learning_rate and start again."
        )


def _save(trainer: SFTTrainer, folder: Path) -> None:
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return
    # A pickle, which nobody may load; config.json of the job says the same.
    (folder / "training_args.bin").unlink(missing_ok=True)
    readme = Path(trainer.args.output_dir) / "README.md"
    if readme.is_file():
        readme.rename(folder / "trl-README.md")


def _summary(
    trainer: SFTTrainer, params: Params, rows: int, seconds: float, recording: float
) -> dict[str, Any]:
    return {
        "steps": trainer.state.global_step,
        "planned_steps": trainer.state.max_steps,
        "tokens_seen": int(trainer.state.num_input_tokens_seen),
        "rows": rows,
        "rows_without_answer": 0 if params.packing else rows - len(trainer.train_dataset),
        "train_seconds": Decimal(f"{seconds:.3f}"),
        "recording_seconds": Decimal(f"{recording:.3f}"),
        "final_loss": _last(trainer, "loss", None),
        "dtype": params.dtype,
        "device": trainer.args.device.type,
        "world_size": trainer.args.world_size,
    }


def _last(trainer: SFTTrainer, name: str, otherwise: Any) -> Any:
    return next((entry[name] for entry in reversed(trainer.state.log_history) if name in entry), otherwise)


def _weights(folder: Path) -> dict[str, Any]:
    """What the saved weights are. Only the leading process has saved them."""
    if not any(folder.glob("*.safetensors")):
        return {}
    about = describe(folder)
    return {"weights_digest": about["weights_digest"], "parameters": about["parameters"]}
