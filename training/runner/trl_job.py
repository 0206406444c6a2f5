"""What every stage on a TRL trainer shares: load, train from the newest snapshot, stop, save, and say what was done."""

import math
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, TaskType
from transformers import AutoModelForCausalLM, AutoTokenizer

from governance.registry.weights import BadModel, describe, weights_digest
from training.methods import BadParams
from training.methods.common import TrainerParams
from training.runner.callback import JobCallback
from training.runner.failures import DIVERGED, BadInput, Cancelled
from training.runner.job import Job, JobInput
from training.runner.portable import portable_config
from training.runner.rows import Row
from training.runner.snapshots import newest_intact

ADAPTER = "adapter"

Params = TypeVar("Params", bound=TrainerParams)


def parameters(job: Job, validate: Callable[[Mapping[str, Any]], Params]) -> Params:
    """The job's parameters as the method reads them. Raises BadInput naming the wrong ones."""
    try:
        return validate(job.params)
    except BadParams as error:
        raise BadInput(str(error)) from error


def load_model(
    base: JobInput, params: TrainerParams, auto: Any = AutoModelForCausalLM, **options: Any
) -> Any:
    """A model from safetensors alone. Raises BadInput for any other weights and for what will not load."""
    folder = base.files_at()
    try:
        describe(folder)
        return auto.from_pretrained(
            folder,
            dtype=getattr(torch, params.dtype),
            attn_implementation=params.attention,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            **options,
        )
    except (BadModel, ImportError, KeyError, ValueError) as error:
        raise BadInput(f"{base.subject} cannot be loaded: {error}") from error


def load_tokenizer(base: JobInput) -> Any:
    """The tokenizer that lies beside the model. Raises BadInput where it will not load."""
    try:
        return AutoTokenizer.from_pretrained(base.files_at(), local_files_only=True, trust_remote_code=False)
    except (KeyError, ValueError) as error:
        raise BadInput(f"The tokenizer of {base.subject} cannot be loaded: {error}") from error


def check_same_tokens(one: JobInput, tokenizer: Any, other: JobInput, others: Any) -> None:
    """Raise BadInput unless both write the same conversation as the same tokens: vocabulary and chat template."""
    differs = next(
        (
            what
            for what, mine, theirs in (
                ("vocabulary", tokenizer.get_vocab(), others.get_vocab()),
                ("chat template", tokenizer.chat_template, others.chat_template),
            )
            if mine != theirs
        ),
        None,
    )
    if differs:
        raise BadInput(
            f"{other.subject} has another {differs} than {one.subject}, so their figures for one text cannot be "
            f"compared. Name one whose tokenizer is that of {one.subject}."
        )


def trainer_settings(job: Job, params: TrainerParams, model: Any) -> dict[str, Any]:
    """The arguments that the configurations of all TRL trainers share."""
    longest = getattr(model.config, "max_position_embeddings", None) or params.max_length
    return {
        **portable_config(job),
        "max_steps": params.max_steps or -1,
        "num_train_epochs": float(params.epochs or 1),
        "learning_rate": float(params.learning_rate),
        "lr_scheduler_type": params.lr_scheduler,
        "warmup_steps": params.warmup_steps,
        "weight_decay": float(params.weight_decay),
        "max_grad_norm": float(params.max_grad_norm),
        "per_device_train_batch_size": params.per_device_batch_size,
        "gradient_accumulation_steps": params.gradient_accumulation,
        "activation_checkpointing": params.gradient_checkpointing,
        "max_length": min(params.max_length, longest),
        "logging_steps": params.logging_steps,
        "save_strategy": "steps" if params.save_steps else "no",
        "save_steps": params.save_steps or 500,
    }


def lora(params: TrainerParams, task: TaskType = TaskType.CAUSAL_LM) -> LoraConfig | None:
    """The adapter to train, or None where all weights are trained. A reward model's head is always trained whole."""
    if params.lora is None:
        return None
    return LoraConfig(
        task_type=task,
        r=params.lora.rank,
        lora_alpha=params.lora.alpha,
        lora_dropout=float(params.lora.dropout),
        target_modules=params.lora.target_modules or "all-linear",
        modules_to_save=["score"] if task == TaskType.SEQ_CLS else None,
    )


def build(kind: Any, rows: Mapping[str, list[Row]], **arguments: Any) -> Any:
    """A trainer with `rows` as its datasets. Raises BadInput with what TRL says against rows and parameters."""
    try:
        return kind(**{name: Dataset.from_list(found) for name, found in rows.items()}, **arguments)
    except (ValueError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise BadInput(f"The trainer refuses these rows or parameters: {error}") from error


def train(
    job: Job, trainer: Any, params: TrainerParams, recorder: JobCallback, rows: Mapping[str, int]
) -> dict[str, Any]:
    """Train, from the newest snapshot of this job where there is one, and save the model with its tokenizer.

    `rows` are counts for the summary, which is returned. Raises Cancelled, with a snapshot saved, after a request to
    stop, and BadInput where the training came to no numbers.
    """
    snapshot = newest_intact(job)
    begun = time.monotonic()
    trainer.train(resume_from_checkpoint=str(snapshot) if snapshot else None)
    summary = _summary(trainer, params, time.monotonic() - begun, recorder.seconds, rows)
    _stop_unless_whole(trainer, summary)
    job.event("phase", name="save")
    return {**summary, **_save(trainer, params, job)}


def _stop_unless_whole(trainer: Any, summary: Mapping[str, Any]) -> None:
    """Raise Cancelled where the training was stopped half way, and BadInput where it came to no numbers."""
    done, wanted = trainer.state.global_step, trainer.state.max_steps
    if done < wanted:
        raise Cancelled(f"Stopped on request after step {done} of {wanted}; a snapshot was saved.", summary)
    if not math.isfinite(_last(trainer, "loss", 0.0)):
        raise BadInput(f"The loss is not a number any more: {DIVERGED}")


def _save(trainer: Any, params: TrainerParams, job: Job) -> dict[str, Any]:
    """Write model and tokenizer into the outputs; an adapter is kept beside them and merged. Returns what they are."""
    folder, about = job.output_dir, {}
    if isinstance(trainer.model, PeftModel):
        about = {"adapter": _keep_adapter(trainer, folder / ADAPTER, job)}
        trainer.model = trainer.model.merge_and_unload()
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return {}
    # A pickle, which nobody may load; config.json of the job says the same.
    (folder / "training_args.bin").unlink(missing_ok=True)
    readme = Path(trainer.args.output_dir) / "README.md"
    if readme.is_file():
        readme.rename(folder / "trl-README.md")
    found = describe(folder)
    return {**about, "weights_digest": found["weights_digest"], "parameters": found["parameters"]}


def _keep_adapter(trainer: Any, folder: Path, job: Job) -> dict[str, Any]:
    """Save the adapter alone, naming what it belongs to by its version and not by a folder of this machine."""
    trainer.model.peft_config["default"].base_model_name_or_path = job.the_input("init_from").subject
    trainer.model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    digest, count, _ = weights_digest(folder)
    return {"path": ADAPTER, "weights_digest": digest, "parameters": count}


def _summary(
    trainer: Any, params: TrainerParams, seconds: float, recording: float, rows: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "steps": trainer.state.global_step,
        "planned_steps": trainer.state.max_steps,
        "tokens_seen": int(trainer.state.num_input_tokens_seen),
        **rows,
        "train_seconds": Decimal(f"{seconds:.3f}"),
        "recording_seconds": Decimal(f"{recording:.3f}"),
        "final_loss": _last(trainer, "loss", None),
        "dtype": params.dtype,
        "device": trainer.args.device.type,
        "world_size": trainer.args.world_size,
    }


def _last(trainer: Any, name: str, otherwise: Any) -> Any:
    return next((entry[name] for entry in reversed(trainer.state.log_history) if name in entry), otherwise)
