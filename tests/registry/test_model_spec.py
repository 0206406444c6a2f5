"""The five public versions of a real behaviour policy, through the command, against what their changelog says."""

import re

import pytest
from django.core.management import call_command

from governance.registry import importers
from governance.registry.models import Activity, Artifact
from tests.cast import gather
from tests.realdata import REAL, requires

pytestmark = requires("openai_model_spec")
FOLDER = REAL / "openai_model_spec"
DATES = ("2025-02-12", "2025-04-11", "2025-09-12", "2025-10-27", "2025-12-18")
META = "title: Model Spec\ntype: behaviour\nlicence: CC0-1.0\nsource: github.com/openai/model_spec\neffective_from: {}\n"
AUTHORITIES = {"root", "platform", "system", "developer", "user", "guideline", None}

ADDED = {
    2: set(),
    3: {
        "red_line_principles", "no_other_objectives", "scope_of_autonomy", "control_side_effects",
        "protect_privileged_information", "love_humanity", "be_responsible", "be_interesting_and_interested",
        "be_curious", "have_conversational_sense", "be_warm",
    },
    4: {"respect_real_world_ties"},
    5: {"chatgpt_u18", "prioritize_teen_safety"},
}  # fmt: skip
REMOVED = {
    2: set(),
    3: {"protect_privileged_messages", "approachable", "be_empathetic", "be_kind", "be_engaging"},
    4: set(),
    5: set(),
}
RULES = (71, 71, 77, 78, 80)
"""Headings with an id; two more lines of each document begin with `#` inside code."""


@pytest.fixture(scope="module")
def versions() -> list[dict]:
    """The rules of each version by id, as the importer reads them; a test below holds them against the rows."""
    read = [
        importers.read("policy", FOLDER / f"model_spec_{date}.md", {"title": "Model Spec"}) for date in DATES
    ]
    assert not any(one.notes for one in read), "every heading has an id, so there is nothing to note"
    return [{rule["id"]: rule for rule in one.content["rules"]} for one in read]


def changed(versions: list[dict], number: int, field: str = "text") -> set[str]:
    old, new = versions[number - 2], versions[number - 1]
    return {name for name in old.keys() & new.keys() if old[name].get(field) != new[name].get(field)}


@pytest.mark.django_db
def test_all_five_become_versions_of_one_policy(versions, tmp_path, capsys):
    gather()
    for date in (*DATES, DATES[-1]):
        meta = tmp_path / "meta.yaml"
        meta.write_text(META.format(date))
        path = str(FOLDER / f"model_spec_{date}.md")
        call_command("register", "policy", "model-spec", path, "--meta", str(meta), "--as", "polly")
    assert capsys.readouterr().err == ""
    policy = Artifact.objects.get(kind="policy")
    assert policy.title == "Model Spec"
    found = list(policy.versions.order_by("number"))
    assert [version.number for version in found] == [1, 2, 3, 4, 5], "the last one twice is one version"
    for version, date, rules in zip(found, DATES, versions, strict=True):
        assert version.content["effective_from"] == date
        assert [rule["id"] for rule in version.content["rules"]] == list(rules)
        for rule in version.content["rules"]:
            assert rules[rule["id"]].items() <= rule.items()
    assert not any(activity.summary for activity in Activity.objects.filter(kind="import"))


def test_every_heading_with_an_id_is_a_rule_and_nothing_else_is(versions):
    assert tuple(map(len, versions)) == RULES
    for rules, date in zip(versions, DATES, strict=True):
        text = (FOLDER / f"model_spec_{date}.md").read_text(encoding="utf-8")
        assert list(rules) == re.findall(r"^#+ .*\{#([a-z0-9_]+)", text, re.MULTILINE)
        assert {rule.get("authority") for rule in rules.values()} <= AUTHORITIES
        with_authority = re.findall(r"^#+ .*\{#[a-z0-9_]+ authority=", text, re.MULTILINE)
        assert sum(rule.get("authority") is not None for rule in rules.values()) == len(with_authority)


def test_no_word_below_a_heading_is_lost(versions):
    for rules, date in zip(versions, DATES, strict=True):
        text = (FOLDER / f"model_spec_{date}.md").read_text(encoding="utf-8")
        headings = re.sub(r"^#+ .*\{#.*\}$", "", text, flags=re.MULTILINE)
        assert "\n".join(rule["text"] for rule in rules.values()).split() == headings.split()


def test_sections_are_the_headings_above(versions):
    assert versions[4]["avoid_sycophancy"]["section"] == "seek_truth/be_honest_and_transparent"
    assert versions[4]["avoid_sycophancy"]["authority"] == "user"
    assert versions[0]["sexual_content_involving_minors"]["section"] == (
        "stay_in_bounds/disallowed_content/prohibited_content"
    )
    assert versions[4]["prioritize_teen_safety"]["tags"] == ["under_18"]


@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_what_came_and_what_went(versions, number):
    old, new = set(versions[number - 2]), set(versions[number - 1])
    assert (new - old, old - new) == (ADDED[number], REMOVED[number])


def test_april_2025_changes_what_its_changelog_names(versions):
    """The overview on misalignment; white lies; the example of buggy code; LaTeX in a few examples."""
    assert changed(versions, 2) == {
        "risk_taxonomy", "do_not_lie", "avoid_overstepping", "definitions", "do_not_facilitate_illicit_behavior",
    }  # fmt: skip
    assert "misalignment" in versions[1]["risk_taxonomy"]["text"]
    assert "misalignment" not in versions[0]["risk_taxonomy"]["text"]
    assert "white lies" in versions[0]["do_not_lie"]["text"]
    assert "pleasantries" in versions[1]["do_not_lie"]["text"]
    assert not changed(versions, 2, "heading") | changed(versions, 2, "authority")


def test_september_2025_renames_the_top_authority_and_moves_the_personality(versions):
    """Platform becomes Root, a few principles move to System; red lines, agents, no other objectives, safe completions."""
    assert "platform" not in {rule.get("authority") for rule in versions[2].values()}
    moved = {name: versions[2][name]["authority"] for name in changed(versions, 3, "authority")}
    assert {versions[1][name]["authority"] for name in moved} == {"platform"}
    assert {name for name, to in moved.items() if to == "system"} == {
        "comply_with_laws", "no_erotica_or_gore", "use_preset_voice_in_voice_mode",
    }  # fmt: skip
    assert set(moved.values()) == {"root", "system"}
    assert versions[2]["red_line_principles"]["section"] == "overview"
    assert {versions[2][name]["section"] for name in ("scope_of_autonomy", "control_side_effects")} == {
        "chain_of_command"
    }
    assert versions[2]["refusal_style"]["heading"] == "When appropriate, be helpful when refusing"
    assert {versions[2][name]["section"] for name in changed(versions, 3, "section")} == {"style"}
    assert changed(versions, 3, "heading") == {"refusal_style", "ask_clarifying_questions"}


def test_october_2025_extends_self_harm_to_delusions_and_mania(versions):
    assert changed(versions, 4, "heading") == {"do_not_encourage_self_harm"}
    assert versions[3]["do_not_encourage_self_harm"]["heading"] == (
        "Do not encourage self-harm, delusions, or mania"
    )
    assert {"ignore_untrusted_data", "do_not_encourage_self_harm"} <= changed(versions, 4)
    assert "AGENTS.md" in versions[3]["ignore_untrusted_data"]["text"]
    assert "AGENTS.md" not in versions[2]["ignore_untrusted_data"]["text"]
    assert not changed(versions, 4, "authority")


def test_december_2025_tightens_honesty_and_adds_teenagers(versions):
    assert changed(versions, 5) == {
        "definitions", "no_other_objectives", "protect_privileged_information", "do_not_lie",
        "be_rationally_optimistic", "be_thorough_but_efficient",
    }  # fmt: skip
    assert "time-on-site" in versions[4]["no_other_objectives"]["text"]
    assert "time-on-site" not in versions[3]["no_other_objectives"]["text"]
    assert not changed(versions, 5, "heading") | changed(versions, 5, "authority")
