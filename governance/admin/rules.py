"""The rules of the schemas in plain words."""

import re
import unicodedata
from typing import Any, get_args

from governance.registry.kinds.base import SUBJECT, Hex
from governance.registry.kinds.fields import Cite, Id, Language, Path, Region

EMPTY = "Fill this in."
SENTENCES = {
    "Field required": EMPTY,
    "String should have at least 1 character": EMPTY,
    "List should have at least 1 item after validation, not 0": "Add at least one.",
    "Dictionary should have at least 1 item after validation, not 0": "Add at least one.",
}
PATTERN = re.compile(r"String should match pattern '(.*)'", re.DOTALL)
SPOKEN = "Value error, "


def pattern_of(kind: Any) -> str:
    """The pattern of an annotated text."""
    metadata = get_args(kind)[1].metadata
    return next(str(one.pattern) for one in metadata if getattr(one, "pattern", None))


PATTERNS = {
    pattern_of(Id): "Use the letters a to z, digits, - and _, beginning with a letter.",
    pattern_of(Path): "Write ids joined by /, each of the letters a to z, digits, - and _.",
    pattern_of(Cite): "Write an id, or kind:slug@number#id.",
    pattern_of(Language): "Write a language tag, such as en or pt-BR.",
    pattern_of(Region): "Write a country's or region's code in capitals, such as DE, US-CA or EU.",
    pattern_of(Hex): "There is no such version here; write its digest (64 digits 0 to f) behind its name.",
    SUBJECT: "Write kind:slug@number, such as constitution:house@2.",
}


def plainly(rule: str, value: object = None) -> str:
    """`rule` in plain words; `value` is what was typed, whose look-alike letters are named where letters matter."""
    if rule in SENTENCES:
        return SENTENCES[rule]
    if match := PATTERN.fullmatch(rule):
        said = PATTERNS.get(match[1], "This is not written as the help text says.")
        return EMPTY if value == "" else f"{said}{_strange(value)}"
    said = rule.removeprefix(SPOKEN).rstrip(".")
    # A rule may begin with an id, which is written as it is.
    return f"{said[:1].upper()}{said[1:]}." if said.partition(" ")[0].isalpha() else f"{said}."


def _strange(value: object) -> str:
    """Names the first letter that is none of ours."""
    letter = next((char for char in str(value or "") if not char.isascii()), None)
    return f" It holds {unicodedata.name(letter, 'an unnamed character')}." if letter else ""
