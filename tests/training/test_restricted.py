"""Nobody trains on what they may not read."""

import pytest

from governance.registry.actions import register
from tests import builders
from tests.cast import gather
from training import actions
from training.resolve import SpecRefused
from training.spec import load_spec

pytestmark = pytest.mark.django_db
SPEC = """
stage: sft
inputs: {init_from: [model:base], trained_on: [dataset:secret]}
seed: 1
output: {slug: tuned}
"""


def test_a_restricted_dataset_is_for_its_authors(tmp_path):
    cast = gather()
    builders.model(tmp_path, "base")
    source = builders.dataset(tmp_path, "open")
    content = {**source.content, "description": "Secret."}
    register("dataset", "secret", content, restricted=True, actor=cast.actor("ada"))
    with pytest.raises(SpecRefused, match="restricted"):
        actions.queue(load_spec(SPEC), actor=cast.actor("eno"))
    assert actions.queue(load_spec(SPEC), actor=cast.actor("ada")).state == "queued"
