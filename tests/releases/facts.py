"""Facts and documents made by hand, for the rules alone."""

from governance.evidence.facts import Absence, Document, Fact, Pointer, Subject, TreeSize
from governance.registry.kinds.release_policy import Content


def fact(key: str, value=None, unit: str | None = None, state: str = "recorded") -> Fact:
    empty = value is None
    return Fact(
        key=key,
        label=key,
        value=value,
        unit=unit,
        state=("not_recorded" if state == "recorded" else state) if empty else state,
        assurance=None if empty else "observed",
        source=Absence(reason="nobody said") if empty else Pointer(entry=7, cls="P", pointer=f"/state/{key}"),
    )


def document(*facts: Fact) -> Document:
    return Document(
        subject=Subject(kind="release", slug="assistant", number=1, digest="a" * 64),
        at=TreeSize(size=9, root="b" * 64),
        facts=tuple(sorted(facts, key=lambda one: one.key)),
    )


def rule(expression: str, *reads: str, severity: str = "block", id: str = "rule") -> dict:
    return {
        "id": id,
        "title": f"Title of {id}",
        "reads": list(reads),
        "expression": expression,
        "message": "What would help.",
        "severity": severity,
    }


def policy(*rules: dict) -> Content:
    return Content(title="House rules", rules=list(rules))
