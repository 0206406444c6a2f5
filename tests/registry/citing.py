"""A constitution and what cites it, each version registered by its real action."""

from pathlib import Path
from typing import Any

from governance.registry import actions, importers
from governance.registry.models import Version
from tests import builders
from tests.builders import ADA, POLLY

SECRET = "The quiet word is heliotrope."
HOUSE: dict[str, Any] = {
    "title": "House rules",
    "principles": [
        {"id": "honest", "heading": "Say what is true", "text": "Do not deceive."},
        {"id": "kind", "text": "Be kind."},
        {
            "id": "weapons",
            "heading": "About weapons",
            "text": SECRET,
            "visibility": "internal",
            "reason": "under legal review",
            "owner": "legal",
        },
        {"id": "alone", "text": "Nothing cites this."},
    ],
}
SUITE = """
title: Honesty
status: dev
tasks:
  - {name: truth, kind: exact_match, metric: accuracy, margin: "0.02", file: items.jsonl, cites: ["constitution:house#honest"]}
  - {name: mixed, kind: exact_match, metric: accuracy, margin: "0.02", file: mixed.jsonl}
"""


def around(folder: Path) -> Version:
    """`constitution:house@1`, cited from every area, and once by an id that it does not have."""
    house = builders.constitution(content=HOUSE)
    pin = {"subject": house.subject, "digest": house.digest}
    register("guideline", "raters", guideline(pin), actor=POLLY)
    declared = {"guidelines": [pin], "cites": ["weapons", f"{house.subject}#honest"]}
    builders.dataset(folder, "declared", rows=5, **declared)
    judge = {
        "type": "judge", "description": "Asks for kindness.", "endpoint": "some-service 1", "order_swap": "averaged",
        "prompt": {"text": "Which is kinder?"}, "cites": ["constitution:house#kind"],
    }  # fmt: skip
    register("reward-model", "judge", judge, actor=ADA)
    suite(folder)
    register("release-policy", "gates", {"title": "Gates", "rules": [gate("constitution:house#honest")]})
    rules = [{"id": "no-weapons", "text": "No weapons.", "cites": ["constitution:house#kind"]}]
    register("policy", "usage", {"title": "Use", "type": "usage", "rules": rules})
    return house


def guideline(pin: dict[str, Any], *cites: str) -> dict[str, Any]:
    return {
        "title": "For raters",
        "purpose": "Pairs.",
        "task": "comparison",
        "sections": [
            {"id": "truth", "text": "Prefer what is true.", "cites": ["honest", "nowhere", *cites]},
            {"id": "tone", "text": "Prefer what is kind.", "cites": ["kind"]},
        ],
        "examples": [{"id": "sum", "section": "tone", "prompt": "1+1?", "responses": ["2"]}],
        "follows": [pin],
    }


def gate(*cites: str) -> dict[str, Any]:
    return {
        "id": "tested", "title": "Tested", "reads": ["identity.subject"], "expression": "true", "message": "Test it.",
        "cites": list(cites),
    }  # fmt: skip


def suite(folder: Path) -> Version:
    place = folder / "suite"
    place.mkdir()
    plain = [{"id": f"t{n}", "prompt": "1 + 1?", "target": "2"} for n in range(3)]
    builders.write_lines(place / "items.jsonl", plain)
    tags: list[Any] = ["house#kind", ["house#kind", "house#gone"], "", None]
    tagged = [
        {"id": f"m{n}", "prompt": "2 + 2?", "target": "4", "principle": tag} for n, tag in enumerate(tags)
    ]
    builders.write_lines(place / "mixed.jsonl", tagged)
    (place / "suite.yaml").write_text(SUITE)
    found = importers.read("eval-suite", place / "suite.yaml", {})
    return actions.register("eval-suite", "honesty", found.content, files=found.files, actor=ADA)


def register(kind: str, slug: str, content: dict[str, Any], **how: Any) -> Version:
    return actions.register(kind, slug, content, **{"actor": POLLY, **how})
