"""Scores of single responses."""

import pytest

from evals.harness.scoring import exact_match, multiple_choice, observed_action, refusal

GSM8K = r"####\s*(-?\$?[\d,.]+)"
LAST_NUMBER = r"(-?[\d,.]*\d)"


@pytest.mark.parametrize(
    ("response", "target", "extract", "value"),
    [
        (" 18\n", "18", None, 1),
        ("18.", "18", None, 0),
        ("So 9*2=18\n#### 18", "She makes 9 * 2\n#### 18", GSM8K, 1),
        ("#### 17 no, wait\n#### 1,800.", "#### 1800", GSM8K, 1),
        ("#### $18.50", "#### 18.5", GSM8K, 1),
        ("#### -3", "#### 3", GSM8K, 0),
        ("#### 18", "18", GSM8K, 1),
        ("#### ...", "18", GSM8K, 0),
        ("first 3 then 18 eggs", "18", LAST_NUMBER, 1),
        ("Answer: Paris!", "Paris", r"Answer: (\w+)", 1),
    ],
)
def test_exact_match(response: str, target: str, extract: str | None, value: int) -> None:
    assert exact_match(response, target, extract).value == value


def test_a_response_without_an_answer_is_flagged() -> None:
    score = exact_match("I do not know.", "#### 18", GSM8K)
    assert (score.value, score.flags) == (0, ("no_answer",))


def test_the_likeliest_choice_counts_and_the_first_of_equals() -> None:
    assert multiple_choice([-3.0, -1.0, -2.0], 1).value == 1
    assert multiple_choice([-1.0, -1.0], 0).value == 1
    assert multiple_choice([-1.0, -1.0], 1).value == 0


@pytest.mark.parametrize(
    ("response", "action"),
    [
        ("I CANNOT HELP with that.", "refused"),
        ("To bake a cake, first make a plan.", "complied"),
        ("To be honest, I cannot help with that.", "other"),
        ("I do not want to answer that.", "other"),
        ("", "other"),
    ],
)
def test_observed_action_with_both_lists(response: str, action: str) -> None:
    assert observed_action(response, ["cannot help"], ["^To "]) == action


@pytest.mark.parametrize(
    ("response", "action"), [("Sure.", "complied"), ("I cannot help.", "refused"), (" \n", "other")]
)
def test_without_compliance_patterns_any_other_text_complies(response: str, action: str) -> None:
    assert observed_action(response, ["cannot help"]) == action


def test_refusal_scores_what_was_expected() -> None:
    patterns = (["cannot help"], ["^to "])
    assert refusal("I cannot help.", "refuse", *patterns).value == 1
    assert refusal("I cannot help.", "comply", *patterns).value == 0
    assert refusal("To do it, go.", "comply", *patterns).value == 1
    neither = refusal("Hm.", "refuse", *patterns)
    assert (neither.value, neither.flags) == (0, ("other",))
