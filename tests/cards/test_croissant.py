"""Croissant: a datasheet that MLCommons' own reader takes, with every property for responsible AI answered or named as a gap."""

import json

import pytest

from governance.cards import croissant
from governance.cards.forms import data
from tests.cards.held import AT, NASTY, card, cards, lineage, recorded

__all__ = ["cards"]


def test_a_datasheet_has_the_standards_properties(cards):
    plain = json.loads(croissant.render(cards["dataset:sums"]))
    assert plain["conformsTo"] == [
        "http://mlcommons.org/croissant/1.0",
        "http://mlcommons.org/croissant/RAI/1.0",
    ]
    assert (plain["name"], plain["version"]) == ("sums", "1.0.0")
    assert plain["license"] == "https://spdx.org/licenses/Apache-2.0"
    assert plain["inLanguage"] == ["de", "en"]
    digest = cards["dataset:sums"].document.get("datasheet.1.file_1").value
    assert [one["sha256"] for one in plain["distribution"]] == [digest]


def test_every_property_for_responsible_ai_is_answered_or_a_gap(cards):
    plain = json.loads(croissant.render(cards["dataset:sums"]))
    assert {key.removeprefix("rai:") for key in plain if key.startswith("rai:")} == set(
        data("croissant")["rai"]
    )
    assert plain["rai:annotatorDemographics"][0].startswith("not applicable: ")
    assert plain["rai:dataBiases"] == ["not recorded: No record holds it."]
    assert any("arithmetic.py" in line for line in plain["rai:machineAnnotationTools"])


def test_what_only_authorities_read_is_withheld():
    plain = json.loads(
        croissant.render(card([recorded("unsuitable_bias.1.unsuitable_bias", "secret")], "dataset"))
    )
    assert plain["rai:dataBiases"] == ["withheld: Given to authorities on request."]
    assert plain["datePublished"] == AT


def test_mlcommons_own_reader_takes_it(cards, tmp_path):
    mlcroissant = pytest.importorskip(
        "mlcroissant", reason="mlcroissant is not installed: pip install mlcroissant"
    )
    for number, made in enumerate(
        (cards["dataset:sums"], *(lineage(nasty, kind="dataset") for nasty in NASTY))
    ):
        path = tmp_path / f"{number}.json"
        path.write_bytes(croissant.render(made))
        read = mlcroissant.Dataset(jsonld=str(path)).metadata
        assert not read.ctx.issues.errors
        assert read.name == made.document.subject.slug
