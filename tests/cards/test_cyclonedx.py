"""CycloneDX: accepted by its own schema, and each thing where readers of the standard look for it."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from governance.cards import cyclonedx
from tests.cards.held import AT, DIGEST, NASTY, SUBJECTS, card, cards, lineage, recorded

__all__ = ["cards"]


def refused(data):
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode())


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_schema_accepts_the_world(cards, subject):
    assert refused(cyclonedx.render(cards[subject])) is None


@pytest.mark.parametrize("kind", ["model", "release", "dataset"])
def test_the_schema_accepts_any_text_and_an_empty_card(kind):
    for made in (card([], kind), *(lineage(nasty, 3, kind) for nasty in NASTY)):
        assert refused(cyclonedx.render(made)) is None


def test_a_release_names_its_model_its_data_and_its_parts_by_digest(cards):
    plain = json.loads(cyclonedx.render(cards["release:assistant"]))
    top = plain["metadata"]["component"]
    assert (top["type"], top["name"], top["version"]) == ("application", "assistant", "1")
    found = {part["bom-ref"]: part for part in plain["components"]}
    model = found["urn:charter:model:tuned:1"]
    assert model["type"] == "machine-learning-model"
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert found["urn:charter:dataset:chats:1"]["data"][0]["type"] == "dataset"
    document = cards["release:assistant"].document
    assert model["externalReferences"][0]["hashes"] == [
        {"alg": "SHA-256", "content": document.get("post_training_version.digest").value}
    ]
    rests = {one["ref"]: one["dependsOn"] for one in plain["dependencies"]}
    assert set(rests["urn:charter:model:tuned:1"]) == {
        "urn:charter:dataset:chats:1",
        "urn:charter:dataset:sums:1",
        "urn:charter:model:tiny-base:1",
    }
    assert "urn:charter:constitution:house:1" in rests["urn:charter:release:assistant:1"]


def test_the_model_card_holds_figures_as_recorded_and_names_gaps(cards):
    made = json.loads(cyclonedx.render(cards["model:tuned"]))
    inside = made["metadata"]["component"]["modelCard"]
    assert {
        "type": "refusal_rate",
        "value": "0.925",
        "slice": "harmful_refusal",
        "confidenceInterval": {"lowerBound": "0.801", "upperBound": "0.974"},
    } in inside["quantitativeAnalysis"]["performanceMetrics"]
    assert inside["modelParameters"]["approach"] == {"type": "supervised"}
    assert inside["considerations"]["technicalLimitations"] == ["not recorded: No record holds it."]
    told = {one["name"]: one["value"] for one in made["metadata"]["properties"]}
    assert told["charter:gap.compute"] == "withheld: Given to authorities on request. (owner: ada)"
    assert told["charter:evidence.sha256"] == cards["model:tuned"].document.digest


def test_time_and_serial_number_come_from_the_ledger_alone():
    one = json.loads(cyclonedx.render(card([recorded("description", "a")])))
    other = json.loads(cyclonedx.render(card([recorded("description", "b")])))
    assert one["metadata"]["timestamp"] == AT
    assert one["serialNumber"] != other["serialNumber"]


def test_a_licence_that_spdx_does_not_list_keeps_its_name():
    made = card([recorded("licence", "House rules 7"), recorded("model_name.model", "model:x@1")])
    component = json.loads(cyclonedx.render(made))["metadata"]["component"]
    assert component["licenses"] == [{"license": {"name": "House rules 7"}}]
    assert component["externalReferences"][0]["hashes"][0]["content"] == DIGEST
