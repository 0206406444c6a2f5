"""`python -m benchmarks.bare METHOD FOLDER`: what somebody writes who has TRL and nothing else.

FOLDER holds `spec.json` (base, data, seed, steps, batch, rate, length); the model is saved there, and `told.json` has the
seconds of the training loop and the last loss.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, set_seed
from trl import DPOConfig, DPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer


def main(method: str, folder: Path) -> None:
    spec = json.loads((folder / "spec.json").read_text())
    set_seed(spec["seed"])
    tokenizer = AutoTokenizer.from_pretrained(spec["base"])
    with Path(spec["data"]).open(encoding="utf-8") as file:
        rows = Dataset.from_list([json.loads(line) for line in file])
    trainer = TRAINERS[method](
        spec, common(spec, folder), {"processing_class": tokenizer, "train_dataset": rows}
    )
    begun = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - begun
    trainer.save_model(str(folder / "model"))
    loss = next(entry["loss"] for entry in reversed(trainer.state.log_history) if "loss" in entry)
    (folder / "told.json").write_text(json.dumps({"train_seconds": seconds, "final_loss": loss}))


def common(spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {
        "output_dir": str(folder),
        "seed": spec["seed"],
        "data_seed": spec["seed"],
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "disable_tqdm": True,
        "max_steps": spec["steps"],
        "learning_rate": spec["rate"],
        "per_device_train_batch_size": spec["batch"],
        "max_length": spec["length"],
        "logging_steps": spec["logging"],
        "save_strategy": "no",
        "dataloader_pin_memory": False,
    }


def sft(spec: dict[str, Any], settings: dict[str, Any], data: dict[str, Any]) -> SFTTrainer:
    model = AutoModelForCausalLM.from_pretrained(spec["base"], dtype="float32")
    return SFTTrainer(model=model, args=SFTConfig(**settings, assistant_only_loss=True), **data)


def reward(spec: dict[str, Any], settings: dict[str, Any], data: dict[str, Any]) -> RewardTrainer:
    model = AutoModelForSequenceClassification.from_pretrained(spec["base"], dtype="float32", num_labels=1)
    return RewardTrainer(model=model, args=RewardConfig(**settings), **data)


def dpo(spec: dict[str, Any], settings: dict[str, Any], data: dict[str, Any]) -> DPOTrainer:
    model, reference = (AutoModelForCausalLM.from_pretrained(spec["base"], dtype="float32") for _ in range(2))
    return DPOTrainer(model=model, ref_model=reference, args=DPOConfig(**settings), **data)


TRAINERS = {"sft": sft, "reward": reward, "dpo": dpo}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
