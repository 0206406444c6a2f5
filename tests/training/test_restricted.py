"""Nobody trains on what they may not read."""

from dataclasses import replace

import pytest

from governance.registry import lookup
from governance.registry.actions import register
from governance.registry.models import Version
from tests import builders
from tests.builders import ADA
from tests.cast import gather
from tests.training.faking import FAKE, fresh
from training import actions, stages, supervisor
from training.resolve import SpecRefused
from training.spec import SpecDraft, load_spec
from training.stages import Finished, Product

SPEC = """
stage: sft
inputs: {init_from: [model:base], trained_on: [dataset:secret]}
seed: 1
output: {slug: tuned}
"""


@pytest.mark.django_db
def test_a_restricted_dataset_is_for_its_authors(tmp_path):
    cast = gather()
    builders.model(tmp_path, "base")
    source = builders.dataset(tmp_path, "open")
    content = {**source.content, "description": "Secret."}
    register("dataset", "secret", content, restricted=True, actor=cast.actor("ada"))
    with pytest.raises(SpecRefused, match="restricted"):
        actions.queue(load_spec(SPEC), actor=cast.actor("eno"))
    assert actions.queue(load_spec(SPEC), actor=cast.actor("ada")).state == "queued"


def made(slug: str, *, of: str, kind: str, says: bool | None = None) -> Version:
    """What a run on that dataset made: a model, or a dataset of other rows of which its stage says this."""

    def finish(run, result, outputs) -> Finished:
        rows = {**(lookup.find("dataset:open").content or {}), "description": f"Made as {slug}."}
        return Finished([Product("output", "dataset", slug, slug, rows, says)], {})

    stage = replace(
        FAKE, name=f"fake_{slug}", makes=kind, **({"finish": finish} if kind == "dataset" else {})
    )
    stages._stages[stage.name] = stage
    try:
        inputs = {"init_from": ["model:base"], "trained_on": of.split()}
        output = {"slug": slug, "title": slug}
        draft = SpecDraft(stage=stage.name, inputs=inputs, params={"steps": 1}, seed=7, output=output)
        run = actions.queue(draft, actor=ADA)
        assert supervisor.execute(run.pk, "worker")
        assert fresh(run).state == "succeeded", fresh(run).reason
    finally:
        del stages._stages[stage.name]
    return lookup.find(f"{kind}:{slug}")


def test_rows_made_of_restricted_rows_are_restricted_and_weights_are_not(committed_db, tmp_path):
    gather()
    builders.model(tmp_path, "base")
    source = builders.dataset(tmp_path, "open")
    content = {**source.content, "description": "Secret."}
    register("dataset", "secret", content, restricted=True, actor=ADA)
    both = "dataset:open dataset:secret"
    assert made("rows", of=both, kind="dataset").restricted
    assert not made("plain", of="dataset:open", kind="dataset").restricted
    assert not made("apart", of=both, kind="dataset", says=False).restricted
    assert made("marked", of="dataset:open", kind="dataset", says=True).restricted
    assert not made("weights", of=both, kind="model").restricted
