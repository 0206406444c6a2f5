"""The FMTI self-report: its rows are the index's, each answered from facts or empty with who can fill it."""

import csv
import io

from governance.cards import fmti
from governance.cards.forms import data
from governance.evidence.schema import ROOTS
from tests.cards.held import card, cards, recorded
from tests.realdata import REAL, requires

__all__ = ["cards"]
STATES = {"answered", "undisclosed", "not recorded", "not applicable", "withheld"}


def report(made):
    return {int(row["indicator"]): row for row in csv.DictReader(io.StringIO(fmti.render(made).decode()))}


def indicators():
    with (REAL / "fmti" / "Dec2025_indicators.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@requires("fmti")
def test_the_rows_are_those_of_the_index_and_none_of_its_text_is_copied(cards):
    told = indicators()
    found = report(cards["release:assistant"])
    assert list(found) == list(range(1, len(told) + 1))
    shipped = {one["label"] for one in data("fmti")["indicators"].values()}
    assert len(shipped) == len(told)
    for one in told:
        for sentence in (one["Definition"], one["Notes"]):
            assert not [label for label in shipped if len(label) > 30 and label in sentence]


def test_every_answer_rests_on_facts_and_every_gap_says_who_can_fill_it(cards):
    for subject in ("release:assistant", "model:tuned", "model:tiny-base"):
        for number, row in report(cards[subject]).items():
            assert set(row["state"].split(", ")) <= STATES, number
            assert row["answer"], number
            assert (row["who can fill it"] == "") == (row["state"] == "answered"), number


def test_answers_are_values_with_their_entries(cards):
    found = report(cards["model:tuned"])
    assert found[17]["answer"] == "1, languages: en; 2, languages: en, de"
    assert found[17]["entries"]
    assert found[21]["state"] == "withheld"
    assert found[34]["state"] == "not recorded"
    assert found[99]["answer"].startswith("not recorded: It is about the organisation")
    assert found[77]["who can fill it"].startswith("policy-editor or release-manager: ")


def test_facts_that_answer_are_of_the_schema():
    for number, one in data("fmti")["indicators"].items():
        assert {key.partition(".")[0] for key in one["facts"]} <= set(ROOTS), number


def test_no_cell_is_a_formula():
    row = report(card([recorded("licence", "=1+1"), recorded("regional_variation", "@SUM(A1)")]))
    assert "=1+1" in row[64]["answer"]
    assert not [
        cell for one in row.values() for cell in one.values() if cell.startswith(("=", "@", "+", "-"))
    ]
