"""PROV: read back by the package that implements the standard."""

import pytest
from prov import model as prov_model

from governance.cards import prov
from tests.cards.held import NASTY, SUBJECTS, card, cards, lineage

__all__ = ["cards"]


def read(made):
    return prov_model.ProvDocument.deserialize(content=prov.render(made).decode())


def edges(document, kind):
    """The ends of all relations of a kind, without their prefixes."""
    return {
        tuple(end.localpart for end in one.args if hasattr(end, "localpart"))
        for one in document.get_records(kind)
    }


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_world_is_read_back_and_every_end_of_a_relation_is_described(cards, subject):
    document = read(cards[subject])
    known = {one.identifier for one in document.get_records(prov_model.ProvElement)}
    ends = {
        end
        for one in document.get_records(prov_model.ProvRelation)
        for end in one.args
        if isinstance(end, prov_model.Identifier)
    }
    assert ends <= known
    assert known


def test_the_lineage_of_a_model(cards):
    document = read(cards["model:tuned"])
    assert edges(document, prov_model.ProvUsage) == {
        ("stage-1", "model/tiny-base@1"),
        ("stage-1", "dataset/chats@1"),
        ("stage-1", "dataset/sums@1"),
        ("evaluation-1", "model/tuned@1"),
        ("evaluation-1", "eval-suite/basics@1"),
    }
    assert ("model/tuned@1", "stage-1") in edges(document, prov_model.ProvGeneration)
    assert ("result/sums", "evaluation-1") in edges(document, prov_model.ProvGeneration)
    assert ("model/tuned@1", "model/tiny-base@1", "stage-1") in edges(document, prov_model.ProvDerivation)
    assert edges(document, prov_model.ProvAssociation) == {("stage-1", "ada"), ("evaluation-1", "ada")}
    base = next(
        one for one in document.get_records(prov_model.ProvEntity) if "tiny-base" in str(one.identifier)
    )
    digest = cards["model:tuned"].document.get("dependencies.1.digest").value
    assert digest in {str(value) for _, value in base.attributes}


def test_a_parent_without_a_digest_says_so():
    document = read(lineage("plain"))
    gone = next(one for one in document.get_records(prov_model.ProvEntity) if "gone" in str(one.identifier))
    assert "not recorded: No record holds it." in {value for _, value in gone.attributes}


def test_any_text_and_an_empty_card_are_read_back():
    assert list(read(card([])).get_records())
    for nasty in NASTY:
        assert list(read(lineage(nasty)).get_records(prov_model.ProvActivity))
