"""What verifiers give an answer, by hand."""

import pytest

from training.methods import BadParams
from training.methods.grpo import validate
from training.methods.verifiers import Verifier, needs_target, score


@pytest.mark.parametrize(
    ("extract", "text", "target", "points"),
    [
        ("whole", " 12 ", "12", 1),
        ("whole", "12.0", "12", 1),
        ("whole", "It is 12", "12", 0),
        ("whole", "Paris", "Paris", 1),
        ("last_number", "3 + 4 is 7.", "7", 1),
        ("last_number", "1,234 in all", "1234", 1),
        ("last_number", "none", "7", 0),
        ("boxed", r"so \boxed{1} or \boxed{-2}", "-2", 1),
        ("boxed", "-2", "-2", 0),
        ("answer_tag", "<think>8</think><answer>7</answer>", "7", 1),
        ("answer_tag", "<answer>7", "7", 0),
    ],
)
def test_an_exact_answer_is_the_target(extract, text, target, points):
    assert score(Verifier(check="exact_answer", extract=extract), text, target) == points


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("<think>a</think><answer>b</answer>", 1),
        ("<think>a</think> and <answer>b</answer> c", 1),
        ("<answer>b</answer><think>a</think>", 0),
        ("<think>a<answer>b</answer></think>", 0),
        ("<think>a</think><answer>b</answer><answer>b</answer>", 0),
        ("<think>a</think>", 0),
        ("", 0),
    ],
)
def test_a_format_has_each_tag_once_and_in_order(text, points):
    assert score(Verifier(check="format"), text, None) == points


@pytest.mark.parametrize(("text", "share"), [("abc", 1), ("ab漢字", 0.5), ("12 !", 0), ("русский", 0)])
def test_a_script_is_a_share_of_the_letters(text, share):
    assert score(Verifier(check="script", script="LATIN"), text, None) == share


@pytest.mark.parametrize(("words", "points"), [(4, 1), (5, 0.75), (8, 0), (20, 0)])
def test_brevity_falls_to_nothing_at_twice_the_words(words, points):
    assert score(Verifier(check="brevity", words=4), "w " * words, None) == points


def test_a_missing_target_is_a_fault_and_no_reward():
    assert needs_target([Verifier(check="format"), Verifier(check="exact_answer")])
    with pytest.raises(ValueError, match="no target"):
        score(Verifier(check="exact_answer"), "7", " ")


@pytest.mark.parametrize(
    ("verifier", "words"),
    [
        ({"check": "exact_answer", "from_step": 5, "until_step": 5}, "until_step: must come after from_step"),
        ({"check": "format", "tags": []}, "params.verifiers.0.tags"),
        ({"check": "script", "script": "latin"}, "params.verifiers.0.script"),
        ({"chek": "format"}, "Did you mean 'check'?"),
    ],
)
def test_wrong_parameters_are_named(verifier, words):
    with pytest.raises(BadParams) as caught:
        validate({"verifiers": [verifier]})
    assert words in str(caught.value)
