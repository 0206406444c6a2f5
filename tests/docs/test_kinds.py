"""The list of kinds: nothing in it without a meaning, and its example is one."""

import re

import pytest

from governance.registry import kinds, markdown
from tests.docs.kinds import rows, sections, type_of
from tests.docs.pages import pages

PAGE = pages()["docs/kinds.md"]
RECORDS = re.findall(
    r"\w+",
    "Organisation, Person, Role, Decision, Approval, Dissent, Consultation, AffectedGroup, GuidelineVersion, PolicyVersion, "
    "Principle, PolicyLayer, UsePolicy, AnnotatorPool, Annotation, Contribution, DatasetVersion, DatasetComponent, "
    "ProcessingStep, SyntheticGeneration, ConsentPolicy, Licence, ModelVersion, RewardSpec, RewardModelVersion, Artifact, "
    "Checkpoint, RecipeVersion, Stage, TrainingRun, EvalSuiteVersion, EvalSuiteUse, EvalRun, EvalItemResult, Comparison, "
    "RiskRegister, RiskSignal, RedTeamCampaign, Finding, Mitigation, RiskAcceptance, ReleaseDecision, Release, "
    "DeploymentConfig, DownstreamFineTune, UpdateEvent, MonitoringReport, Incident, Card",
)


@pytest.mark.parametrize("kind", ["", *kinds.KINDS])
def test_every_field_has_a_meaning(kind):
    without = [
        f"{where}.{name}"
        for where, model in sections()[kind]
        for name, _, meaning in rows(model)
        if not meaning
    ]
    assert without == []


def test_every_kind_has_its_section():
    for kind in kinds.KINDS.values():
        assert f"\n## {kind.title}\n" in PAGE
        assert f"Kind `{kind.name}`, schema `{kind.schema}`" in PAGE


def test_a_type_without_words_is_an_error():
    with pytest.raises(TypeError, match="has no words"):
        type_of(complex, "odd")


def test_the_example_of_a_document_is_a_policy():
    (example,) = re.findall(r"```markdown\n(.*?)```", PAGE, re.DOTALL)
    content, notes = markdown.content("policy", example)
    assert kinds.get("policy").parse({**content, "type": "behaviour"}).title == "House rules"
    assert [note.split("called ")[1] for note in notes] == ["with_dignity."]


def test_attributes_of_headings_are_those_that_the_page_names():
    told = PAGE.split("Attributes after the id fill fields:", 1)[1].split("- The rest", 1)[0]
    assert set(re.findall(r"`([a-z_]+)`", told)) == {
        name for names in markdown.ALLOWED.values() for name in names
    }


def test_every_record_of_the_card_schema_has_its_place():
    told = re.findall(r"^\| ([A-Z][A-Za-z]+) \| (.+) \|$", pages()["docs/design/records.md"], re.MULTILINE)
    assert [name for name, _ in told] == RECORDS
