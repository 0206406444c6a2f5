import pytest

from governance.ledger.models import Entry
from governance.registry import actions, lookup
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.releases.actions import compose
from governance.releases.components import components, resolve_refs
from tests.builders import MARA, RAVI
from tests.releases.world import released


def faults(content) -> dict[str, str]:
    with pytest.raises(ContentError) as caught:
        compose("assistant", content, actor=MARA)
    assert not Version.objects.filter(artifact__slug="assistant").exists()
    return dict(caught.value.faults)


def test_names_become_pins_and_the_release_is_sealed(world):
    version = released(world)
    assert (version.subject, version.state) == ("release:assistant@1", "sealed")
    assert version.content["model"] == {"subject": "model:tuned@1", "digest": world.tuned.digest}
    assert {part: found.version.subject for part, found in components(version).items()} == {
        "model": "model:tuned@1",
        "baseline": "model:base@1",
        "constitution": "constitution:house@1",
        "system_prompt": "system-prompt:plain@1",
        "deployment": "deployment:local@1",
        "policy": "release-policy:default@1",
    }
    assert Entry.objects.latest("id").op == "registry:version:registered"


def test_the_same_parts_again_are_the_same_release(world):
    assert released(world).digest == released(world).digest
    assert Version.objects.filter(artifact__slug="assistant").count() == 1


def test_a_slug_is_looked_up_among_its_kind(world):
    actions.register("system-prompt", "tuned", {"text": "Another thing of that name."}, actor=MARA)
    assert resolve_refs({"model": "tuned"})["model"]["subject"] == "model:tuned@1"


def test_every_part_at_fault_is_named(world):
    draft = actions.save_draft("constitution", "sketch", {"title": "Sketch"}, actor=MARA)
    actions.revoke(lookup.find("deployment:local"), reason="It leaks.", actor=RAVI)
    wrong = {"subject": "release-policy:default@1", "digest": "0" * 64}
    content = {
        **world.parts,
        "model": "tunde",
        "baseline": "dataset:chats",
        "constitution": draft.subject,
        "system_prompt": 7,
        "policy": wrong,
    }
    found = faults(content)
    assert "model:tuned" in found["model"]
    assert "is a dataset" in found["baseline"]
    assert "is draft" in found["constitution"]
    assert "kind:slug@number" in found["system_prompt"]
    assert "is revoked" in found["deployment"]
    assert "has the digest" in found["policy"]


def test_an_unknown_kind_or_field_is_a_fault_of_its_field(world):
    assert "constitution" in faults({**world.parts, "constitution": "constituton:house"})
    assert "licence" in faults({**world.parts, "licence": "MIT"})
    assert "model" in faults({**world.parts, "model": None})
