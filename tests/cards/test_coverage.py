"""Coverage of standards: what is demanded, what is held, and for each gap its state, who can fill it and where."""

import json
import re

import pytest
from django.core.management import call_command, get_commands

from governance.cards import coverage, filling
from governance.cards.forms import data
from governance.evidence.schema import FIELDS
from governance.people.permissions import GROUPS
from governance.registry.kinds import KINDS
from tests.cards.held import card, cards, recorded

__all__ = ["cards"]


def found(made):
    return {one.code: one for one in coverage.standards(made)}


def test_every_standard_that_a_field_names_is_told_with_its_date():
    named = {
        re.split(r"[ -]", part.strip())[0] for field in FIELDS.values() for part in field.standards.split(";")
    }
    assert named == set(data("standards")["standards"])
    for about in data("standards")["standards"].values():
        assert re.fullmatch(r"\d{4}-\d\d(-\d\d)?", str(about["as_of"]))


def test_a_standards_fields_are_those_that_name_it_and_no_others():
    assert coverage.demanded_by(FIELDS["authenticity"], "MDF") == "1 (not for downstream)"
    assert coverage.demanded_by(FIELDS["deployment_config"], "XII") == "1d,1e"
    assert coverage.demanded_by(FIELDS["deployment_config"], "XI") is None
    assert coverage.demanded_by(FIELDS["test_time"], "FM") == "38"


def test_demanded_is_held_and_gaps_together(cards):
    for made in cards.values():
        for one in coverage.standards(made):
            assert one.demanded == one.held + len(one.gaps)
            total = sum(coverage.demanded_by(field, one.code) is not None for field in FIELDS.values())
            assert one.demanded + one.elsewhere == total


def test_a_value_closes_a_gap():
    before, after = found(card([])), found(card([recorded("limits.written", "It forgets.")]))
    assert "limits" in {gap.field for gap in before["MC"].gaps}
    assert "limits" not in {gap.field for gap in after["MC"].gaps}
    assert after["MC"].held == before["MC"].held + 1


def test_a_gap_says_its_state_who_can_fill_it_and_where(cards):
    gaps = {gap.field: gap for gap in found(cards["model:tuned"])["MDF"].gaps}
    assert gaps["compute"].states == ("withheld",)
    assert "its owner says who may read it" in gaps["compute"].where
    assert gaps["provider_legal_name"].groups == ("policy-editor", "release-manager")
    assert "manage.py register card-text" in gaps["provider_legal_name"].where


def test_every_way_to_fill_a_field_leads_somewhere():
    for field in FIELDS:
        way = filling.way(field)
        assert set(way.groups) <= set(GROUPS), field
        assert set(re.findall(r"manage\.py ([a-z_]+)", way.where)) <= set(get_commands()), field
        assert set(re.findall(r"manage\.py register ([a-z-]+)", way.where)) <= set(KINDS), field
        assert set(re.findall(r"/new/([a-z-]+)/", way.where)) <= set(KINDS), field


def test_the_file_names_each_gap_under_its_standard(cards):
    text = coverage.render(cards["release:assistant"]).decode()
    assert "## GPAI Code of Practice, Model Documentation Form" in text
    assert "This is no score" in text
    assert "complian" not in text.lower()


def test_the_command_lists_one_standard_or_all_and_refuses_what_has_no_card(world, capsys):
    call_command("card_coverage", "model:tuned", "--standard", "MDF")
    said = capsys.readouterr().out
    assert said.startswith("GPAI Code of Practice, Model Documentation Form (MDF): ")
    assert "policy-editor or release-manager: write it in the card text" in said
    call_command("card_coverage", "model:tuned", "--json")
    told = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in told] == list(data("standards")["standards"])

    with pytest.raises(SystemExit) as stop:
        call_command("card_coverage", "constitution:house")
    assert stop.value.code == 1
    assert "cards are written about models" in capsys.readouterr().err
