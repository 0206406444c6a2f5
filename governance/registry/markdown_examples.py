"""Worked examples in a guideline's Markdown (pure): a heading `Example` with `Prompt:`, `Response:`, `Rating:`, `Why:` below."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

HEADING = re.compile(r"Example(\s+[0-9]+)?(\s*:.*)?", re.IGNORECASE)
LABEL = re.compile(r"(Prompt|Response|Preferred|Rating|Why):[ \t]*(.*)")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
FIELDS = {
    "Prompt": "prompt",
    "Response": "responses",
    "Preferred": "preferred",
    "Rating": "label",
    "Why": "explanation",
}
"""Label at the beginning of a line → field of a worked example. What follows, up to the next label, is its value."""


class BadExample(ValueError):
    """An example that cannot be read. The message names the line and the rule."""


class Said(NamedTuple):
    label: str
    line: int
    text: str


def is_example(heading: str, text: str) -> bool:
    """Whether a heading and its text are a worked example: named so, and with a label in it. Any other is a section."""
    return HEADING.fullmatch(heading) is not None and any(label for label, _, _ in _lines(text, 1))


def example(name: str, section: str, text: str, first: int) -> dict[str, Any]:
    """The fields of the example `name`, whose text begins in line `first` of the document. Raises BadExample."""
    told: dict[str, Any] = {"id": name, **({"section": section} if section else {})}
    for label, line, value in _said(text, first):
        field = FIELDS[label]
        if not value:
            raise BadExample(f"line {line}: {label!r} of the example {name!r} says nothing")
        if field == "responses":
            told.setdefault(field, []).append(value)
        elif field in told:
            raise BadExample(f"line {line}: the example {name!r} gives its {label!r} twice")
        else:
            told[field] = _number(value, line, name) if field == "preferred" else value
    if "prompt" not in told:
        raise BadExample(f"line {first}: the example {name!r} has no 'Prompt:'")
    number = len(told.get("responses", []))
    if told.get("preferred", 0) > number:
        raise BadExample(
            f"line {first}: the example {name!r} prefers response {told['preferred']} of {number}"
        )
    return told


def _number(value: str, line: int, name: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,2}", value):
        raise BadExample(
            f"line {line}: 'Preferred' of the example {name!r} is the number of a response, not {value!r}"
        )
    return int(value)


def _said(text: str, first: int) -> Iterator[Said]:
    """Each label with the text up to the next one. Raises BadExample for text before the first."""
    label, at, held = "", first, list[str]()
    for found, line, rest in _lines(text, first):
        if found:
            if label:
                yield Said(label, at, _joined(held))
            label, at, held = found, line, [rest]
        elif label:
            held.append(rest)
        elif rest.strip():
            raise BadExample(
                f"line {line}: an example begins with 'Prompt:', this says {rest.strip()[:40]!r}"
            )
    yield Said(label, at, _joined(held))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n").strip()


def _lines(text: str, first: int) -> Iterator[tuple[str, int, str]]:
    """(label or "", number, the rest) of each line; within a fence nothing is a label."""
    fence = ""
    for number, line in enumerate(text.split("\n"), first):
        mark = FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        found = None if fence or mark else LABEL.match(line)
        yield (found[1], number, found[2]) if found else ("", number, line)
