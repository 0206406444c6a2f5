"""Behaviour policy: principles, public or named as withheld, and the system prompt."""

from collections.abc import Iterator

from governance.evidence.build import derived, gap, in_content, recorded, withheld
from governance.evidence.facts import Fact
from governance.evidence.records import Sealed
from governance.evidence.schema import FIELDS as SCHEMA
from governance.evidence.view import View

FIELDS = {"response_style": "style", "refusal_policy": "refusal"}
"""Field of the card schema → kind of the principles that it lists."""


def facts(view: View) -> Iterator[Fact]:
    """Principles of the release's constitution, else of the one that the last stage used; the release's system prompt."""
    if view.model is None:
        return
    constitution = _constitution(view)
    if constitution is not None and constitution.disclosed is None:
        yield from _hidden(constitution)
    elif constitution is not None:
        yield from _principles(constitution)
    if view.version.kind == "release":
        yield from _system_prompt(view)


def _constitution(view: View) -> Sealed | None:
    if view.version.kind == "release":
        return view.parts.get("constitution")
    edges = [edge for step in reversed(view.line.steps) for edge in step.used_as("constitution")]
    found = view.versions((edge.subject, edge.digest) for edge in edges)
    return next((found[edge.subject] for edge in edges if edge.subject in found), None)


def _hidden(constitution: Sealed) -> Iterator[Fact]:
    """Of a restricted constitution the name alone: not even how many principles it has."""
    yield from recorded(
        "policy_public.source", "constitution", constitution.record, "/state/subject", assurance="observed"
    )
    for field in ("policy_public", *FIELDS):
        yield withheld(field, SCHEMA[field].title, constitution)


def _principles(constitution: Sealed) -> Iterator[Fact]:
    yield from recorded(
        "policy_public.source", "constitution", constitution.record, "/state/subject", assurance="observed"
    )
    yield from in_content("policy_public.title", "title", constitution, "/title")
    principles = constitution.content["principles"]
    texts = [
        fact
        for index, item in enumerate(principles)
        for fact in _text("policy_public", constitution, index, item)
    ]
    yield from texts
    for index, item in enumerate(principles):
        for name in ("authority", "kind"):
            yield from in_content(
                f"policy_public.{item['id']}.{name}", name, constitution, f"/principles/{index}/{name}"
            )
    public = [fact for fact in texts if not fact.is_empty]
    yield derived("policy_public.principles", "public principles", "count", public, len(public), "principles")
    hidden = len(texts) - len(public)
    yield derived(
        "policy_public.withheld", "withheld principles", "count_withheld", texts, hidden, "principles"
    )
    for field, kind in FIELDS.items():
        chosen = [(index, item) for index, item in enumerate(principles) if item["kind"] == kind]
        for index, item in chosen:
            yield from _text(field, constitution, index, item)
        if not chosen:
            yield gap(
                field,
                SCHEMA[field].title,
                "not_recorded",
                f"{constitution.subject} has no principle of the kind {kind}.",
            )


def _text(field: str, constitution: Sealed, index: int, item: dict[str, str]) -> Iterator[Fact]:
    key, label = f"{field}.{item['id']}.text", "text"
    if item["visibility"] == "internal":
        yield gap(key, label, "withheld", item["reason"], item["owner"])
    else:
        yield from in_content(key, label, constitution, f"/principles/{index}/text")


def _system_prompt(view: View) -> Iterator[Fact]:
    prompt = view.parts.get("system_prompt")
    if prompt is not None:
        yield from recorded(
            "system_prompt.source", "system prompt", prompt.record, "/state/subject", assurance="observed"
        )
        yield from in_content("system_prompt", "text", prompt, "/text")
    elif not view.subject.erased and view.subject.content["system_prompt"] is None:
        yield gap("system_prompt", "text", "not_applicable", f"{view.subject.subject} has no system prompt.")
