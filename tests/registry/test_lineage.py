"""Ancestry by role: weights, data and feedback are three different lines."""

import pytest

from governance.registry import actions, lineage
from governance.registry.models import Activity
from tests import builders
from tests.builders import ADA

pytestmark = pytest.mark.django_db


def names(versions) -> set[str]:
    return {version.subject for version in versions}


def stage(folder, used, slug, number):
    tensors = {"a": [float(number)]}
    version = builders.model(folder, slug, tensors=tensors)
    activity = actions.start_activity("training", slug, used, summary={}, actor=ADA)
    actions.end_activity(
        activity, state=Activity.ENDED, produced=[("output", version)], summary={}, actor=ADA
    )
    return version


def test_r1_zero_is_a_data_ancestor_of_r1_and_no_weight_ancestor(tmp_path):
    base = builders.model(tmp_path, "v3-base")
    zero = stage(tmp_path, [("init_from", base)], "r1-zero", 2)
    cold = builders.dataset(tmp_path, "cold-start")
    made = actions.start_activity("generation", "cold start", [("teacher", zero)], summary={}, actor=ADA)
    actions.end_activity(made, state=Activity.ENDED, produced=[("output", cold)], summary={}, actor=ADA)
    reward = builders.model(tmp_path, "reward", tensors={"a": [9.0]})
    r1 = stage(tmp_path, [("init_from", base), ("trained_on", cold), ("reward", reward)], "r1", 3)
    assert names(lineage.ancestors(r1, "weight")) == {"model:v3-base@1"}
    assert names(lineage.ancestors(r1, "data")) == {
        "dataset:cold-start@1",
        "model:r1-zero@1",
        "model:v3-base@1",
    }
    assert names(lineage.ancestors(r1, "feedback")) == {"model:reward@1"}


def test_queries_grow_with_depth_not_with_breadth(tmp_path, django_assert_max_num_queries):
    base = builders.model(tmp_path, "base")
    sets = [builders.dataset(tmp_path, f"set-{n}", rows=n + 1) for n in range(12)]
    model = stage(tmp_path, [("init_from", base), *(("trained_on", one) for one in sets)], "tuned", 5)
    with django_assert_max_num_queries(6):
        assert len(lineage.ancestors(model)) == 13


def test_the_index_can_be_rebuilt(tmp_path):
    from governance.registry import index

    base = builders.model(tmp_path, "base")
    model = stage(tmp_path, [("init_from", base)], "tuned", 5)
    assert index.rebuild() == {"usage": 1, "production": 3, "reference": 0, "citation": 0, "document": 4}
    assert names(lineage.ancestors(model)) == {"model:base@1"}


def test_verification_notices_an_index_that_hides_what_happened(tmp_path):
    base = builders.model(tmp_path, "base")
    stage(tmp_path, [("init_from", base)], "tuned", 5)
    activity = Activity.objects.get(kind="training")
    assert activity.ledger_faults() == []
    activity.usages.all().delete()
    assert "reindex" in activity.ledger_faults()[0]
