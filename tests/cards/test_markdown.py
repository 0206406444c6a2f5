"""The Markdown card: read back by Hugging Face's own code, every value with its entry, no blank."""

import re
from itertools import pairwise

import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from markdown_it import MarkdownIt

from governance.cards import front_matter, markdown
from governance.cards.compose import STATES, NoCard, card_of
from governance.evidence.schema import sections
from governance.registry import actions, lookup
from tests import builders
from tests.builders import ADA, RAVI
from tests.evidence.world import RESULTS, approve, evaluation, settled


def written(subject, **options):
    card = card_of(lookup.find(subject), settled().size, **options)
    return card, markdown.render(card)


def test_hugging_face_reads_the_metadata_back_whole(world):
    _, text = written("model:tuned")
    data = ModelCard(text, ignore_metadata_errors=False).data
    assert data.license == "apache-2.0"
    assert data.library_name == "transformers"
    assert data.pipeline_tag == "text-generation"
    assert data.base_model == ["tiny-base@1"]
    assert data.to_dict()["base_model_relation"] == "finetune"
    assert data.datasets == ["chats@1", "sums@1"]
    assert data.language == ["de", "en"]
    assert data.tags == ["charter", "sft"]
    assert data.model_name == "Model tuned"
    results = {result.dataset_type: result for result in data.eval_results}
    assert set(results) == {"harmful_refusal", "sums"}
    refusal = results["harmful_refusal"]
    assert (refusal.metric_type, refusal.metric_value) == ("refusal_rate", 0.925)
    assert refusal.metric_args == {
        "n": 40, "ci_low": 0.801, "ci_high": 0.974, "stderr": 0.042, "direction": "higher", "margin": 0.05,
    }  # fmt: skip
    assert results["sums"].metric_value == 1.0
    index = yaml.safe_load(text.split("---\n")[1])["model-index"]
    assert model_index_to_eval_results(index) == ("Model tuned", data.eval_results)


def test_a_release_has_a_system_card_or_its_models_card(world):
    _, text = written("release:assistant")
    assert "# System card: Model tuned" in text
    assert "You are helpful.\n  Be brief." in text
    assert "heliotrope" not in text
    assert "*withheld*: It would stop working. (owner: polly)" in text
    assert "# Model card: Model tuned" in written("release:assistant", kind="model")[1]


def test_a_dataset_has_a_datasheet_that_hugging_face_reads(world):
    _, text = written("dataset:sums")
    data = DatasetCard(text).data
    assert data.license == "apache-2.0"
    assert data.language == ["de", "en"]
    assert "# Datasheet: dataset:sums\\@1" in text
    assert "arithmetic.py (asserted by a person)" in text


@pytest.mark.parametrize(
    ("subject", "kind"), [("model:tuned", "system"), ("dataset:sums", "model"), ("constitution:house", None)]
)
def test_a_card_that_does_not_fit_is_refused(world, subject, kind):
    with pytest.raises(NoCard):
        written(subject, kind=kind)


@pytest.mark.parametrize("subject", ["model:tuned", "release:assistant", "dataset:sums"])
def test_every_section_and_field_is_there_and_none_is_blank(world, subject):
    card, text = written(subject)
    for section in sections():
        assert f"\n## {section.number} {section.title}\n" in text
        for field in section.fields:
            assert f"\n### {field.title}\n" in text or f"\n| {field.title} | *" in text, field.key
    assert "More Information Needed" not in text
    cells = [
        cell.strip()
        for line in text.splitlines()
        if line.startswith("| ")
        for cell in line.strip("| ").split(" | ")
    ]
    assert all(cells)
    for state in {fact.state for fact in card.document.facts} - {"recorded", "derived"}:
        assert f"*{STATES[state]}*" in text


def test_every_value_names_its_entries_and_every_entry_is_in_the_table(world):
    card, text = written("release:assistant")
    body, table = text.split("\n## Entries\n")
    used = set(re.findall(r"\[\^e(\d+)\]", body))
    assert (
        used
        == {str(entry.index) for entry in card.entries}
        == set(re.findall(r"^\[\^e(\d+)\]: ", table, re.MULTILINE))
    )
    for entry in card.entries:
        assert f"| {entry.index} | " in table
        assert f"`{entry.leaf_hash}`" in table
    for line in body.splitlines():
        if re.search(r"\((observed|reported|asserted)[^)]*\)$", line):
            pytest.fail(f"no entry: {line}")


def test_figures_are_printed_as_they_were_recorded(world):
    _, text = written("model:tuned")
    row = next(line for line in text.splitlines() if line.startswith("| harmful\\_refusal |"))
    for figure in ("0.925[^e", "0.801[^e", "0.974[^e", "40 items[^e", "0.05[^e"):
        assert figure in row
    assert "- learning rate: 0.0005 (reported by the job)[^e" in text


def test_what_only_authorities_read_is_withheld(world):
    card, text = written("model:tuned")
    assert "| Compute | *withheld*: Given to authorities on request. (owner: ada) |" in text
    assert card.document.get("compute.1.device").state == "withheld"
    assert card.document.get("authenticity.1.sha256").value is None


def test_a_demonstration_says_so(world):
    assert "Simulated" not in written("model:tuned")[1]
    approve(world.sums, submitter=ADA, reviewer=RAVI.demo())
    _, text = written("model:tuned")
    assert "\n**Simulated:** " in text
    assert "simulated" in ModelCard(text).data.tags


def test_what_people_wrote_cannot_become_markup(world, tmp_path):
    evil = (
        "<img src=x onerror=alert(1)> [a](https://evil.example)\n---\nlicense: mit\n# Owned\n| a | b |[^e1]"
    )
    builders.model(tmp_path, "evil", tensors={"a": [5.0]}, description=evil, licence=f"Own-{evil}")
    result = {**RESULTS[0], "task": "x | y", "metric": evil}
    evaluation(lookup.find("model:evil"), world.suite, [result])
    _, text = written("model:evil")
    _, metadata, body = text.split("---\n", 2)
    assert "\n" not in yaml.safe_load(metadata)["license_name"]
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(body)
    kinds = {token.type for token in tokens} | {
        child.type for token in tokens for child in token.children or []
    }
    assert kinds.isdisjoint({"html_block", "html_inline", "link_open", "image", "hr"})
    titles = [
        after.content
        for token, after in pairwise(tokens)
        if token.type == "heading_open" and token.tag == "h1"
    ]
    assert titles == ["Model card: Model evil"]
    data = ModelCard(text).data
    assert data.license == "other"
    assert data.to_dict()["license_name"].startswith("Own-<img")
    assert data.eval_results[0].metric_type == front_matter.plain(evil)


def test_the_same_size_gives_the_same_text(world):
    card, text = written("release:assistant")
    actions.revoke(lookup.find("constitution:house"), reason="Wrong.", actor=RAVI)
    settled()
    assert markdown.render(card_of(lookup.find("release:assistant"), card.document.at.size)) == text
