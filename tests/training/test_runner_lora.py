"""Low-rank adapters: trained alone, merged into a whole model, kept beside it, resumed bit for bit."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from governance.registry.weights import describe, weights_digest
from tests.training.greedy import requests
from tests.training.jobs import (
    events,
    kill_and_start_again,
    output_hashes,
    result,
    run_here,
    write_pairs,
    write_sft,
)
from training.tiny import world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("keep_signals")]
DEMONSTRATIONS, PAIRS = world.sft(11), world.preferences(11, rows=200)
LORA = {"rank": 8, "alpha": 16, "dropout": "0.05"}


def checked(folder: Path, base: Path, architecture: str) -> dict:
    """The summary of a finished job, once its outputs are a whole model with its adapter beside it."""
    told = result(folder)["summary"]
    out = folder / "outputs"
    assert describe(out)["architecture"] == architecture
    assert told["adapter"]["weights_digest"] == weights_digest(out / "adapter")[0]
    config = json.loads((out / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (8, 16)
    assert config["base_model_name_or_path"] == "model:tiny-base@1"
    assert str(base) not in "".join(
        path.read_text() for path in out.rglob("*.json") if path.name != "tokenizer.json"
    )
    assert 0 < told["adapter"]["parameters"] < told["parameters"] / 4
    return told


def test_fine_tuning_with_an_adapter_refuses_what_is_harmful(tiny_base, tmp_path):
    folder = write_sft(tmp_path, tiny_base, DEMONSTRATIONS, max_steps=80, learning_rate="0.01", lora=LORA)
    assert run_here(folder) == 0
    told = checked(folder, tiny_base, "LlamaForCausalLM")
    assert told["parameters"] == 727_680
    after = requests(folder / "outputs")
    assert after["refuses_harmful"] >= 0.8
    assert after["answers_harmless"] >= 0.8


def test_what_is_not_adapted_stays_as_it_was(tiny_base, tmp_path):
    lora = {**LORA, "target_modules": ["q_proj"]}
    folder = write_sft(tmp_path, tiny_base, DEMONSTRATIONS[:64], max_steps=4, lora=lora)
    assert run_here(folder) == 0
    before = load_file(tiny_base / "model.safetensors")
    after = load_file(folder / "outputs" / "model.safetensors")
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed == {name for name in before if "q_proj" in name}


def test_a_killed_run_ends_with_the_same_weights(tiny_base, tmp_path):
    whole, killed = (
        write_sft(
            tmp_path / name,
            tiny_base,
            DEMONSTRATIONS,
            max_steps=40,
            save_steps=10,
            learning_rate="0.01",
            lora=LORA,
        )
        for name in ("whole", "killed")
    )
    assert run_here(whole) == 0
    kill_and_start_again(killed, step=14)
    assert events(killed, "resumed")[0]["step"] in (10, 20, 30)
    assert output_hashes(killed)["model.safetensors"] == output_hashes(whole)["model.safetensors"]
    assert (
        result(killed)["summary"]["adapter"]["weights_digest"]
        == result(whole)["summary"]["adapter"]["weights_digest"]
    )


def test_preferences_with_an_adapter_are_held_to_the_model_without_it(tiny_base, tmp_path):
    folder = write_pairs(
        tmp_path, tiny_base, PAIRS, method="dpo", max_steps=20, learning_rate="0.005", lora=LORA
    )
    assert run_here(folder) == 0
    told = checked(folder, tiny_base, "LlamaForCausalLM")
    assert float(told["held_out"]["accuracy"]) >= 0.8


def test_a_reward_model_with_an_adapter_has_its_head_trained(tiny_base, tmp_path):
    folder = write_pairs(
        tmp_path, tiny_base, PAIRS, method="reward", max_steps=40, learning_rate="0.01", lora=LORA
    )
    assert run_here(folder) == 0
    told = checked(folder, tiny_base, "LlamaForSequenceClassification")
    assert float(told["held_out"]["accuracy"]) >= 0.8
