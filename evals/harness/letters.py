"""Multiple choice by letter: for models that do not tell how likely a text is."""

import re
from collections.abc import Sequence
from string import ascii_uppercase

MOST_CHOICES = len(ascii_uppercase)
ASKED = "Answer with the letter of the right choice and nothing else."
SAID = re.compile(r"\s*(?:\(([A-Z])\)|([A-Z])(?=[.):\n]|\s*$))")
"""The letter alone, or followed by `.`, `)`, `:` or a line break, or in brackets. "A dog" is no answer, nor is "a"."""


def lettered(prompt: str, choices: Sequence[str]) -> str:
    """The prompt with its choices, a line each behind its letter, and what to answer."""
    lines = [f"{letter}. {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False)]
    return "\n".join([prompt, *lines, ASKED])


def letter_of(response: str, choices: int) -> str | None:
    """The letter that a response begins with, None where it begins with none of the first `choices`."""
    found = SAID.match(response)
    letter = (found.group(1) or found.group(2)) if found else ""
    return letter if letter and letter in ascii_uppercase[:choices] else None
