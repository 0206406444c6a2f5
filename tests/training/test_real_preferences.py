"""Published preference pairs through the whole loop: registered, reward model and DPO trained on them, card written."""

import pytest
import yaml
from django.core.management import call_command

from governance.cards.compose import card_of
from governance.cards.markdown import render
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.settle import settle
from governance.registry import lookup
from tests.builders import ADA
from tests.cast import gather
from tests.realdata import REAL, requires
from training import actions, states, supervisor
from training.methods import read
from training.models import Run
from training.spec import SpecDraft

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("committed_db"), requires("hh_rlhf")]

ABOUT = {
    "description": "Harmlessness comparisons, test split.",
    "licence": "MIT",
    "source_type": "human",
    "source": "anthropics/hh-rlhf at 354e5c3",
    "format": "hh-rlhf",
}
FEW = {"max_steps": 6, "per_device_batch_size": 4, "max_length": 256, "learning_rate": "0.0005"}


def trained(stage: str, output: str, **inputs: list[str]) -> Run:
    spec = {"stage": stage, "inputs": inputs, "params": FEW, "seed": 3, "output": {"slug": output}}
    run = actions.queue(read(SpecDraft, spec), actor=ADA)
    assert supervisor.execute(run.id, "worker")
    run = Run.objects.get(pk=run.pk)
    assert (run.state, run.reason) == (states.SUCCEEDED, "")
    return run


def test_reward_model_and_dpo_on_published_pairs(tiny_base, tmp_path, capsys):
    gather()
    keys.generate()
    meta = tmp_path / "meta.yaml"
    meta.write_text(yaml.safe_dump(ABOUT))
    pairs = REAL / "hh_rlhf" / "harmless-base-test.jsonl.gz"
    call_command(
        "register",
        "dataset",
        "hh-harmless",
        str(pairs),
        "--meta",
        str(meta),
        "--no-scan",
        "--json",
        "--as",
        "ada",
    )
    assert lookup.find("dataset:hh-harmless").content["rows"] == 2312
    meta.write_text(
        yaml.safe_dump({"description": "The tiny base.", "licence": "Apache-2.0", "origin": "pretrained"})
    )
    call_command("register", "model", "base", str(tiny_base), "--meta", str(meta), "--as", "ada")
    capsys.readouterr()

    trained("reward", "judge", init_from=["model:base"], trained_on=["dataset:hh-harmless"])
    reward = lookup.find("reward-model:judge").content
    assert reward["reliability"]["accuracy"]["n"] > 50
    trained(
        "dpo",
        "tuned",
        init_from=["model:base"],
        trained_on=["dataset:hh-harmless"],
        reward=["reward-model:judge"],
    )
    size = settle().size
    version = lookup.find("model:tuned")
    value = {fact.key: fact.value for fact in collect(version, size).facts}
    assert value["stages.1.method"] == "dpo"
    assert value["mixture.1.rows"] == 2312
    assert value["reward_specs.1.reliability.accuracy_n"] == reward["reliability"]["accuracy"]["n"]
    card = render(card_of(version, size))
    assert "hh-harmless" in card
    assert "MIT" in card
    assert value["reward_specs.1.digest"] == lookup.find("reward-model:judge").digest
