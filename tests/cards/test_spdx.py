"""SPDX: read back by the classes of the standard, which refuse a wrong property, kind or enumeration."""

import io

import pytest
from spdx_python_model import v3_0_1 as spdx_model

from governance.cards import spdx
from tests.cards.held import NASTY, SUBJECTS, card, cards, lineage

__all__ = ["cards"]


def read(made):
    """All objects, once they were read, checked and written again; a missing property is refused there."""
    found = spdx_model.SHACLObjectSet()
    spdx_model.JSONLDDeserializer().read(io.BytesIO(spdx.render(made)), found)
    spdx_model.JSONLDSerializer().write(found, io.BytesIO())
    return found


def relations(found):
    """(kind, name at one end, name at the other) of all relationships."""
    return {
        (one.relationshipType.rpartition("/")[2], one.from_.name, end.name)
        for one in found.foreach_type(spdx_model.Relationship)
        for end in one.to
    }


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_world_is_read_back_and_no_reference_dangles(cards, subject):
    found = read(cards[subject])
    assert not found.missing_ids
    document = next(found.foreach_type(spdx_model.SpdxDocument))
    assert document.rootElement[0].summary == str(cards[subject].document.subject)


def test_the_model_says_what_it_was_trained_and_tested_on_and_comes_from(cards):
    found = read(cards["model:tuned"])
    assert relations(found) == {
        ("trainedOn", "tuned", "chats"),
        ("trainedOn", "tuned", "sums"),
        ("descendantOf", "tuned", "tiny-base"),
        ("testedOn", "tuned", "basics"),
        *(("hasDeclaredLicense", name, "Apache-2.0") for name in ("tuned", "tiny-base", "sums")),
        ("hasDeclaredLicense", "chats", "CC0-1.0"),
    }
    model = next(one for one in found.foreach_type(spdx_model.ai_AIPackage) if one.name == "tuned")
    assert model.ai_limitation == "not recorded: No record holds it."
    assert ("results.harmful_refusal.score", "0.925") in {(one.key, one.value) for one in model.ai_metric}
    sizes = {
        one.name: one.dataset_datasetSize for one in found.foreach_type(spdx_model.dataset_DatasetPackage)
    }
    assert sizes == {"chats": 3, "sums": 6}
    notes = {one.statement for one in found.foreach_type(spdx_model.Annotation)}
    assert "compute: withheld: Given to authorities on request. (owner: ada)" in notes


def test_a_release_contains_its_parts(cards):
    assert {("contains", "assistant", name) for name in ("tuned", "house", "plain", "local")} <= relations(
        read(cards["release:assistant"])
    )


@pytest.mark.parametrize("kind", ["model", "release", "dataset"])
def test_any_text_and_an_empty_card_are_read_back(kind):
    assert not read(card([], kind)).missing_ids
    for nasty in NASTY:
        assert not read(lineage(nasty, 2, kind)).missing_ids
