"""The EU forms: every item answered from facts with their entries, or a gap with who can fill it."""

import re

import pytest

from governance.cards import eu_mdf, training_summary
from governance.cards.forms import form
from governance.evidence.schema import ROOTS
from tests.cards.held import card, cards, empty, recorded

__all__ = ["cards"]
NAMES = {"eu_mdf": eu_mdf, "training_summary": training_summary}


def items(text):
    """Heading of each item → its lines."""
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return {
        heading: [line for line in body.split("\n## ")[0].split("\n") if line.startswith("- ")]
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


def written(name, made):
    return items(NAMES[name].render(made).decode())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("subject", ["release:assistant", "model:tuned", "model:tiny-base"])
def test_every_item_has_an_answer_with_entries_or_a_gap_with_a_way_out(cards, name, subject):
    found = written(name, cards[subject])
    assert len(found) == sum(len(part.items) for part in form(name).parts)
    for heading, lines in found.items():
        answered = [
            line for line in lines if re.search(r"\((observed|reported|imported|asserted|attested)", line)
        ]
        assert answered or lines[-1].startswith("- To be filled: "), heading
        assert all("entries" in line for line in answered if "refused or revoked" not in line), heading


@pytest.mark.parametrize("name", NAMES)
def test_a_form_asks_only_for_fields_of_the_schema_and_marks_readers_that_it_names(name):
    asked = form(name)
    for part in asked.parts:
        for item in part.items:
            assert item.facts, item.number
            assert {key.partition(".")[0] for key in item.facts} <= set(ROOTS), item.number
            assert set(item.readers) <= set(asked.readers)
            assert item.number.startswith(f"{part.number}.")


def test_the_documentation_form_has_eight_parts_and_keeps_two_items_from_downstream():
    asked = form("eu_mdf")
    assert [part.number for part in asked.parts] == list("12345678")
    readers = {item.number: item.readers for part in asked.parts for item in part.items}
    assert readers["1.1"] == ("A", "N", "D")
    assert readers["1.3"] == readers["7.1"] == ("A", "N")


def test_what_only_authorities_read_is_named_as_withheld(cards):
    found = written("eu_mdf", cards["model:tuned"])
    assert found["7.1 Duration of training (A, N)"] == [
        "- Compute: *withheld*: Given to authorities on request. (owner: ada)",
        "- To be filled: it is recorded and withheld; its owner says who may read it",
    ]


def test_datasets_stand_under_the_source_that_they_have(cards):
    found = written("training_summary", cards["model:tuned"])
    assert "dataset:sums@1" in "".join(found["2.5 Synthetic data"])
    assert "dataset:chats@1" in "".join(found["2.6 Other sources"])
    assert "dataset:" not in "".join(found["2.1 Publicly available datasets"])
    assert any("source type public" in line for line in found["2.1 Publicly available datasets"])


def test_what_upstream_does_not_say_and_what_does_not_apply_read_as_such():
    made = card([empty("crawlers", "undisclosed"), empty("user_data", "not_applicable")])
    found = written("training_summary", made)
    assert "only upstream knows it" in found["2.3 Data crawled from the web"][-1]
    assert found["2.4 Data of users"][-1] == "- To be filled: nothing: it does not apply"


def test_a_text_of_several_lines_stays_word_for_word():
    text = NAMES["eu_mdf"].render(card([recorded("description", "one\ntwo `x`\n# three")])).decode()
    assert "  ```text\n  one\n  two `x`\n  # three\n  ```" in text
