"""Multiple choice by letter: what is asked, and which answers count."""

import pytest

from evals.harness.letters import letter_of, lettered
from evals.harness.scoring import letter


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ("B", "B"), (" B\n", "B"), ("(B)", "B"), ("(B) the second", "B"), ("B.", "B"), ("B) yes", "B"), ("B: four", "B"),
        ("B\nbecause", "B"), ("A dog", None), ("Because", None), ("b", None), ("D", None), ("The answer is B.", None),
        ("B or C", None), ("(B", None), ("", None), ("**B**", None),
    ],
)  # fmt: skip
def test_only_a_letter_that_stands_first_and_alone_is_an_answer(response: str, said: str | None) -> None:
    assert letter_of(response, 3) == said


def test_scoring_flags_what_is_no_answer() -> None:
    assert (letter("(C)", 3, 2).value, letter("(C)", 3, 1).value) == (1, 0)
    assert (letter("I think C", 3, 2).value, letter("I think C", 3, 2).flags) == (0, ("no_answer",))


def test_choices_stand_a_line_each_behind_their_letters() -> None:
    assert lettered("1 + 1?", ["2", "3"]).splitlines()[:3] == ["1 + 1?", "A. 2", "B. 3"]
