"""docs/evaluation.md on comparisons by people: its figures come out of the functions that close a study."""

import re

from evals.human.figures import Answer, figures, win_interval
from evals.statistics.decimals import text
from evals.statistics.verdicts import n_for_margin
from tests.docs.pages import pages

PAGE = re.sub(r"\s+", " ", pages()["docs/evaluation.md"])
KINDS = (("aaa", 52), ("aab", 14), ("abb", 6), ("bbb", 18), ("tta", 4), ("ttt", 6))
"""What the three raters of an item prefer, and for how many of the 100 items."""


def example() -> list[Answer]:
    words = {"a": "first", "b": "second", "t": "tie"}
    said = [kind for kind, times in KINDS for _ in range(times)]
    return [
        Answer(item, f"r{rater}", "", "a", words[letter])
        for item, kind in enumerate(said)
        for rater, letter in enumerate(kind, 1)
    ]


def says(*sentences: str) -> None:
    assert [sentence for sentence in sentences if sentence not in PAGE] == []


def test_the_example():
    answers = example()
    found = figures(answers, [(1, 1)] * 100, margin=0.1, seed=7)
    wins, counts, alpha = found["wins"], found["counts"], found["agreement"]
    a = wins["a"]
    says(
        f"{counts['a']} judgements prefer the new model, {counts['b']} the old one, and {counts['tie']} are ties",
        f"wins {a['win_rate']} of the items, with a 95% interval from {a['ci_low']} to {a['ci_high']}",
        f"Without ties it is {a['without_ties']}, from {a['without_ties_low']} to {a['without_ties_high']}",
        f"A margin of 0.1 needs {wins['n_needed']} items at this spread, and below {wins['n_least']}",
        f"alpha is {alpha['alpha']}, from {alpha['ci_low']} to {alpha['ci_high']}",
    )
    assert (a["direction"], a["size"]) == ("preferred", "non-inferior")


def test_judgements_are_no_items():
    wrong = win_interval([{"first": 1.0, "second": 0.0, "tie": 0.5}[one.choice] for one in example()], 7)
    says(f"as if 300 judgements were 300 items would claim {text(wrong.lower)} to {text(wrong.upper)}")


def test_ties_alone():
    ties = win_interval([0.5] * 40, 7)
    says(f"Forty items that all raters call a tie give 0.5, from {text(ties.lower)} to {text(ties.upper)}")


def test_the_margins():
    says(f"one of 0.05 takes {n_for_margin(0.0, 0.05)}")
