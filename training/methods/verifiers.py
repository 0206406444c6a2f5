"""Verifiers: programs that score an answer without a model, as reinforcement learning with verifiable rewards wants them.

A verifier is a pure function of the answer's text and what the row says is right. What goes wrong in it is a fault of the
row or of the parameters, never a reward.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

from pydantic import Field, model_validator

from training.methods import Fraction, MethodParams

Check = Literal["exact_answer", "format", "script", "brevity"]
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


class Verifier(MethodParams):
    """One verifiable reward: what is checked, how much it counts, and in which steps."""

    check: Check
    """`exact_answer`: 1 where the answer equals the row's `target`; `format`: 1 where the named tags stand once each, in order;
    `script`: share of the letters that belong to `script`; `brevity`: 1 up to `words` words, falling to 0 at twice as many."""
    weight: Fraction = Field(default=Decimal(1), ge=-100, le=100)
    """What its score is multiplied by before all rewards are added."""
    extract: Literal["whole", "last_number", "boxed", "answer_tag"] = "whole"
    """`exact_answer`: what of the text is compared: all of it, its last number, what the last \\boxed{} or <answer> holds."""
    tags: list[str] = Field(default_factory=lambda: ["think", "answer"], min_length=1, max_length=10)
    """`format`: names of the tags, in order (DeepSeek-R1 wants think and answer)."""
    script: str = Field(default="LATIN", pattern=r"^[A-Z][A-Z ]*$")
    """`script`: first word of the Unicode names of the letters that are wanted, such as LATIN or CJK."""
    words: int = Field(default=100, ge=1, le=1_000_000)
    """`brevity`: longest answer, in words, that costs nothing."""
    from_step: int = Field(default=0, ge=0)
    """First optimizer step in which it counts."""
    until_step: int | None = Field(default=None, ge=1)
    """Step from which on it no longer counts; empty: to the end."""

    @model_validator(mode="after")
    def _window_is_one(self) -> "Verifier":
        if self.until_step is not None and self.until_step <= self.from_step:
            raise ValueError(f"until_step: must come after from_step, which is {self.from_step}")
        return self

    def counts_at(self, step: int) -> bool:
        """Whether the reward counts in this optimizer step."""
        return self.from_step <= step and (self.until_step is None or step < self.until_step)


def score(verifier: Verifier, text: str, target: str | None) -> float:
    """The verifier's score of an answer, between 0 and 1. Raises ValueError where the row lacks the target that it needs."""
    return _CHECKS[verifier.check](verifier, text, target)


def needs_target(verifiers: Sequence[Verifier]) -> bool:
    """Whether any of them compares with what the row says is right."""
    return any(one.check == "exact_answer" for one in verifiers)


def _exact(verifier: Verifier, text: str, target: str | None) -> float:
    if target is None or not target.strip():
        raise ValueError("the row has no target, and exact_answer compares with it")
    said = _extracted(text, verifier.extract)
    return float(said is not None and _same(said, target))


def _extracted(text: str, how: str) -> str | None:
    if how == "last_number":
        found = NUMBER.findall(text)
    elif how == "boxed":
        found = BOXED.findall(text)
    elif how == "answer_tag":
        found = [part.partition("</answer>")[0] for part in text.split("<answer>")[1:] if "</answer>" in part]
    else:
        found = [text]
    return str(found[-1]) if found else None


def _same(said: str, target: str) -> bool:
    """Equal as numbers where both are numbers, else as text without the space around it."""
    numbers = _number(said), _number(target)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return said.strip() == target.strip()


def _number(text: str) -> Decimal | None:
    plain = text.strip().replace(",", "")
    try:
        found = Decimal(plain) if NUMBER.fullmatch(plain) else None
    except InvalidOperation:
        return None
    return found


def _format(verifier: Verifier, text: str, target: str | None) -> float:
    place = 0
    for tag in verifier.tags:
        opened, closed = f"<{tag}>", f"</{tag}>"
        if text.count(opened) != 1 or text.count(closed) != 1:
            return 0.0
        begin, end = text.index(opened), text.index(closed)
        if not place <= begin < end:
            return 0.0
        place = end + len(closed)
    return 1.0


def _script(verifier: Verifier, text: str, target: str | None) -> float:
    letters = [char for char in text if char.isalpha()]
    if not letters:
        return 0.0
    return sum(unicodedata.name(char, "").startswith(verifier.script) for char in letters) / len(letters)


def _brevity(verifier: Verifier, text: str, target: str | None) -> float:
    over = len(text.split()) - verifier.words
    return max(0.0, min(1.0, 1 - over / verifier.words))


_CHECKS: Mapping[Check, Callable[[Verifier, str, str | None], float]] = {
    "exact_answer": _exact,
    "format": _format,
    "script": _script,
    "brevity": _brevity,
}
