"""Policies and safety filters of a release: pinned, approved, part of the identity and of the evidence."""

import pytest

from governance.evidence.collect import collect
from governance.ledger.settle import settle
from governance.registry import actions, importers
from governance.registry.kinds.base import ContentError
from governance.releases.actions import compose
from governance.releases.components import components, faults_of, identity_of
from governance.releases.identity import NOT_APPLICABLE, behavioural_identity, identity_parts
from tests.builders import ADA, MARA, POLLY, approved
from tests.registry import samples
from tests.releases.test_identity import DEPLOYMENT, MODEL
from tests.releases.world import World, released

RULE = {"id": "a", "text": "Refuse.", "action": "refuse"}


@pytest.fixture
def layered(world: World) -> World:
    """The world with two policies and a filter; the second policy is not approved."""
    approved(actions.register("policy", "refusals", samples.POLICY, actor=POLLY))
    actions.register("policy", "tone", {"title": "Tone", "type": "behaviour", "rules": [RULE]}, actor=POLLY)
    approved(actions.register("safety-filter", "words", samples.FILTER, actor=ADA))
    world.parts |= {"policies": ["refusals", "policy:tone@1"], "filters": ["words"]}
    return world


def faults(world: World, **changes) -> dict[str, str]:
    with pytest.raises(ContentError) as refused:
        compose("assistant", {**world.parts, **changes}, actor=MARA)
    return dict(refused.value.faults)


def test_lists_of_names_become_lists_of_pins(layered):
    version = released(layered)
    assert [ref["subject"] for ref in version.content["policies"]] == ["policy:refusals@1", "policy:tone@1"]
    found = components(version)
    assert [(part, found[part].version.subject) for part in ("policies_1", "policies_2", "filters_1")] == [
        ("policies_1", "policy:refusals@1"), ("policies_2", "policy:tone@1"), ("filters_1", "safety-filter:words@1"),
    ]  # fmt: skip
    roles = {row.target.subject: row.role for row in version.outgoing.select_related("target__artifact")}
    assert roles["policy:refusals@1"] == "behaviour_policy"
    assert roles["safety-filter:words@1"] == "filter"


def test_each_fault_is_named_by_its_place(layered):
    found = faults(layered, policies=["refusals", "tune", "model:tuned"], filters="words")
    assert set(found) == {"policies.1", "policies.2", "filters"}
    assert "policy:tone" in found["policies.1"]
    assert "is a model; this part is a policy" in found["policies.2"]
    assert found["filters"] == "write a list of names"
    assert "policy used twice" in faults(layered, policies=["refusals", "policy:refusals@1"])["content"]


def test_a_policy_that_nobody_approved_stands_in_the_way(layered):
    assert list(faults_of(released(layered))) == ["Its policy policy:tone@1 is sealed, not approved."]


def test_policies_and_filters_are_part_of_the_identity(layered):
    with_both = behavioural_identity(identity_of(released(layered)))
    without = released(layered, policies=[])
    assert identity_of(without)["policies"] == NOT_APPLICABLE
    other_order = released(layered, policies=["policy:tone@1", "refusals"])
    assert behavioural_identity(identity_of(other_order)) == with_both
    assert behavioural_identity(identity_of(without)) != with_both
    assert behavioural_identity(identity_of(released(layered, filters=[]))) != with_both


def test_the_evidence_names_them_and_what_the_identity_rests_on(layered):
    version = released(layered)
    settle()
    document = collect(version)
    for key, value in (
        ("policy_layer_version.policies_1.subject", "policy:refusals@1"),
        ("policy_layer_version.filters_1.digest", version.content["filters"][0]["digest"]),
        ("authorship.policies_1.created_by", "polly"),
        ("approvals.filters_1", 1),
        ("approvals.policies_2", 0),
    ):
        assert document.get(key).value == value, key
    identity = document.get("artefact_id")
    assert identity.value == behavioural_identity(identity_of(version))
    assert [key for key in identity.source.inputs if document.get(key) is None] == []


def test_a_release_without_them_says_so(world):
    version = released(world)
    settle()
    document = collect(version)
    assert document.get("policy_layer_version.policies").state == "not_applicable"
    assert document.get("policy_layer_version.filters").state == "not_applicable"


class TestUnopenedWeights:
    @pytest.fixture
    def far(self, world: World, tmp_path) -> World:
        """The world whose model is held elsewhere."""
        path = tmp_path / "far.yaml"
        path.write_text(
            "description: Far.\norigin: imported\nsource: hub.example/far\nrevision: abc\nlicence: MIT\n"
        )
        approved(actions.register("model", "far", importers.read("model", path, {}).content, actor=ADA))
        world.parts |= {"model": "far", "baseline": None}
        return world

    def test_they_are_known_by_source_and_revision(self, far):
        version = released(far)
        settle()
        assert identity_of(version)["weights_digest"] == {"source": "hub.example/far", "revision": "abc"}
        document = collect(version)
        identity = document.get("artefact_id")
        assert [key for key in identity.source.inputs if document.get(key) is None] == []
        assert document.get("authenticity.weights").state == "not_applicable"
        assert document.get("authenticity.revision").value == "abc"
        assert document.get("dependencies.built_from_1").state == "undisclosed"

    def test_two_models_held_elsewhere_are_two_artefacts(self):
        def identity(**model: object) -> str:
            content = {**MODEL, "weights_digest": None, **model}
            return behavioural_identity(
                identity_parts(content, DEPLOYMENT, constitution=None, system_prompt=None)
            )

        files = [
            {"path": "a.bin", "size": 1, "sha256": "0" * 64},
            {"path": "b.bin", "size": 1, "sha256": "1" * 64},
        ]
        found = {
            identity(source="a", revision="1"),
            identity(source="a", revision="2"),
            identity(source="b", revision="1"),
            identity(manifest=files),
            identity(manifest=files[:1]),
        }
        assert len(found) == 5
        assert identity(manifest=files) == identity(manifest=files[::-1])


def test_of_a_filter_the_digest_counts_and_not_its_name():
    def identity(**ref: str) -> str:
        deployment = {**DEPLOYMENT, "filters": [ref]}
        return behavioural_identity(identity_parts(MODEL, deployment, constitution=None, system_prompt=None))

    one = identity(subject="safety-filter:words@1", digest="a" * 64)
    assert one == identity(subject="safety-filter:renamed@4", digest="a" * 64)
    assert one != identity(subject="safety-filter:words@1", digest="b" * 64)


def test_a_deployment_tells_the_cards_own_fields(world):
    served = {
        "engine": "vllm", "engine_version": "0.9", "decoding": {}, "context_length": 4096, "cot_visibility": "summarised",
        "cot_reason": "Raw tokens mislead.", "hardware": "1 GPU", "software": ["python 3.11"],
        "channels": [{"name": "voice", "context_length": 512}],
    }  # fmt: skip
    approved(actions.register("deployment", "cloud", served, actor=ADA))
    version = released(world, deployment="cloud")
    settle()
    document = collect(version)
    for key, value in (
        ("cot_visibility", "summarised"),
        ("cot_visibility.reason", "Raw tokens mislead."),
        ("integration.hardware", "1 GPU"),
        ("integration.software", ("python 3.11",)),
        ("deployment_config.channels_0_context_length", 512),
    ):
        assert document.get(key).value == value, key
    identity = document.get("artefact_id")
    assert [key for key in identity.source.inputs if document.get(key) is None] == []
    assert document.get("deployment_config.cot_visibility") is None
