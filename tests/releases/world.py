"""A release that everything speaks for: trained on licensed data, measured, its parts approved by somebody else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.evidence.facts import Document, Fact
from governance.ledger import keys
from governance.registry import actions, importers
from governance.registry.blobs import digest_file
from governance.registry.models import Activity, Version
from governance.releases.actions import compose
from tests import builders
from tests.builders import ADA, MARA, POLLY, approved
from tests.cast import Cast, gather
from tests.releases.facts import fact

DEFAULT_POLICY = Path(__file__).resolve().parents[2] / "governance/releases/policies/default.yaml"
TRAINING = {
    "run": "run-1", "stage": "sft", "seed": 0, "spec_digest": "ab" * 32, "environment_sha256": "cd" * 32,
    "config_sha256": "ef" * 32, "params": {"learning_rate": "0.0005"},
}  # fmt: skip
PURPOSES = {"harmful_refusal": "safety", "safe_compliance": "over_refusal", "arithmetic": "capability"}
MARGINS = {"harmful_refusal": "0.01", "safe_compliance": "0.02", "arithmetic": "0.02"}


@dataclass
class World:
    cast: Cast
    base: Version
    tuned: Version
    parts: dict[str, str]
    """Content of the release, with its parts by name."""


def build(
    folder: Path, *, licence: str = "CC0-1.0", results: dict[str, dict[str, Any]] | None = None
) -> World:
    """The world without its release; `licence` is the training set's, `results` change those of single tasks."""
    keys.generate()
    cast = gather()
    base = builders.model(folder, "base", origin="pretrained")
    chats = builders.dataset(folder, "chats", licence=licence)
    tuned = builders.trained(folder, base, [chats], "tuned", summary=TRAINING)
    approved(measured(tuned, folder, results or {}))
    deployment = {"engine": "transformers", "engine_version": "5.17.0", "context_length": 512, "decoding": {}}
    others = [
        builders.constitution(),
        actions.register("system-prompt", "plain", {"text": "You are helpful."}, actor=POLLY),
        actions.register("deployment", "local", deployment, actor=ADA),
        actions.register("release-policy", "default", importers.mapping(DEFAULT_POLICY), actor=POLLY),
    ]
    for version in (tuned, *others):
        approved(version)
    parts = {
        "model": "tuned", "baseline": "base", "constitution": "house", "system_prompt": "plain", "deployment": "local",
        "policy": "default", "intended_uses": "Sums.", "out_of_scope": "Advice.",
    }  # fmt: skip
    return World(cast, base, tuned, parts)


def released(world: World, slug: str = "assistant", **changes: Any) -> Version:
    return compose(slug, {**world.parts, **changes}, actor=MARA)


def measured(
    model: Version, folder: Path, changes: dict[str, dict[str, Any]], slug: str = "basics"
) -> Version:
    """Results of `model` on a sealed suite, which is returned."""
    items = builders.write_lines(folder / "items.jsonl", [{"id": "one", "prompt": "1+1", "target": "2"}])
    task = {
        "name": "arithmetic",
        "kind": "exact_match",
        "metric": "exact_match",
        "margin": "0.02",
        "file": items.name,
    }
    files = [{"path": items.name, "size": items.stat().st_size, "sha256": digest_file(items)[0]}]
    suite = actions.register(
        "eval-suite",
        slug,
        {"title": "Basics", "status": "dev", "tasks": [task], "files": files},
        files={items.name: items},
        actor=ADA,
    )
    results = [
        {
            "task": name, "metric": "share", "purpose": purpose, "direction": "higher", "margin": MARGINS[name], "n": 400,
            "score": "0.95", "ci_low": "0.92", "ci_high": "0.97", **changes.get(name, {}),
        }
        for name, purpose in PURPOSES.items()
    ]  # fmt: skip
    used = [("evaluated", model), ("evaluated_on", suite)]
    activity = actions.start_activity(
        "evaluation", "Evaluation", used, summary={"stage": "evaluate"}, actor=ADA
    )
    actions.end_activity(activity, state=Activity.ENDED, summary={"seed": 0, "results": results}, actor=ADA)
    return suite


def compared(document: Document, **sizes: str) -> Document:
    """`document` with what a paired comparison with the baseline would add."""
    words = {**dict.fromkeys(PURPOSES, "non-inferior"), **sizes}
    added = {f"comparison.{task}.size": word for task, word in words.items()}
    kept: list[Fact] = [one for one in document.facts if one.field != "comparison"]
    facts = [*kept, *(fact(key, word) for key, word in added.items())]
    return document.model_copy(update={"facts": tuple(sorted(facts, key=lambda one: one.key))})


def house_policy(world: World, *rules: dict[str, Any], slug: str = "strict") -> str:
    """A sealed, unapproved release policy of these rules; returns its subject."""
    return actions.register(
        "release-policy", slug, {"title": "Strict", "rules": list(rules)}, actor=POLLY
    ).subject
