"""SLSA: an in-toto statement with everything that the predicate demands, and digests that are digests."""

import json
import re

import pytest

from governance.cards import slsa
from tests.cards.held import DIGEST, card, cards, lineage, recorded

__all__ = ["cards"]


def made(one):
    return json.loads(slsa.render(one))


def descriptors(plain):
    yield from plain["subject"]
    yield from plain["predicate"]["buildDefinition"]["resolvedDependencies"]
    yield from plain["predicate"]["runDetails"]["byproducts"]


@pytest.mark.parametrize("subject", ["model:tuned", "release:assistant", "model:tiny-base"])
def test_what_the_standard_demands_is_there(cards, subject):
    plain = made(cards[subject])
    assert plain["_type"] == "https://in-toto.io/Statement/v1"
    assert plain["predicateType"] == "https://slsa.dev/provenance/v1"
    assert set(plain["predicate"]) == {"buildDefinition", "runDetails"}
    assert plain["predicate"]["buildDefinition"]["buildType"] == "urn:charter:post-training:v1"
    assert plain["predicate"]["runDetails"]["builder"]["id"].startswith("urn:charter:builder:")
    for one in descriptors(plain):
        assert one["name"]
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in one["digest"].values())


def test_subject_inputs_and_run_of_a_trained_model(cards):
    plain, document = made(cards["model:tuned"]), cards["model:tuned"].document
    assert plain["subject"] == [
        {
            "name": "model:tuned@1",
            "digest": {
                "sha256": document.subject.digest,
                "charterWeights": document.get("post_training_version.weights").value,
            },
        }
    ]
    inputs = {one["name"]: one for one in plain["predicate"]["buildDefinition"]["resolvedDependencies"]}
    assert inputs["model:tiny-base@1"]["digest"]["sha256"] == document.get("dependencies.1.digest").value
    assert inputs["dataset:sums@1"]["annotations"] == {"role": {"stage 1": "trained_on"}}
    assert inputs["stage 1: spec_digest"]["digest"] == {"sha256": "ab" * 32}
    run = plain["predicate"]["runDetails"]
    assert run["builder"] == {
        "id": "urn:charter:builder:person:ada",
        "version": {"charter_assurance": "reported"},
    }
    assert run["metadata"]["invocationId"] == "run-1"
    assert run["metadata"]["finishedOn"] == document.get("stages.1.ended_at").value


def test_files_are_subjects_for_those_who_may_read_them():
    facts = [recorded("authenticity.1.path", "model.safetensors"), recorded("authenticity.1.sha256", DIGEST)]
    assert [one["name"] for one in made(card(facts))["subject"]] == ["model:x@1"]


def test_a_parent_without_a_digest_and_a_model_without_runs():
    inputs = made(lineage("plain"))["predicate"]["buildDefinition"]["resolvedDependencies"]
    gone = next(one for one in inputs if one["name"] == "model:gone@3")
    assert "digest" not in gone
    assert gone["annotations"]["digest"] == "not recorded: No record holds it."
    definition = made(card([]))["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["stages"] == "not recorded: No record holds it."
    assert definition["resolvedDependencies"] == []
