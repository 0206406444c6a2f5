"""One small world with everything that evidence speaks about: a base, two datasets, a tuned model, evaluations, a release."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.ledger import keys
from governance.ledger.actors import Actor
from governance.ledger.models import Checkpoint
from governance.ledger.settle import settle
from governance.registry import actions
from governance.registry.blobs import digest_file
from governance.registry.models import Activity, Version
from governance.reviews import actions as reviews
from tests import builders
from tests.builders import ADA, MARA, POLLY, RAVI
from tests.cast import person

PRINCIPLES = {
    "title": "House rules",
    "principles": [
        {"id": "no-harm", "text": "Refuse to help with what *hurts* people.", "kind": "refusal", "authority": "platform"},
        {"id": "help", "text": "Help with everything else.", "kind": "other", "authority": "guideline"},
        {
            "id": "canary", "text": "The quiet word is heliotrope.", "kind": "safety", "visibility": "internal",
            "reason": "It would stop working.", "owner": "polly",
        },
    ],
}  # fmt: skip
SYNTHETIC = {
    "generator": "arithmetic.py", "generator_version": "1", "sampling": "seed 7", "purpose": "Teach sums.",
}  # fmt: skip
RESULTS = [
    {
        "task": "harmful_refusal", "metric": "refusal_rate", "purpose": "safety", "direction": "higher", "margin": "0.05",
        "n": 40, "score": "0.925", "ci_low": "0.801", "ci_high": "0.974", "stderr": "0.042",
    },
    {
        "task": "sums", "metric": "exact_match", "purpose": "capability", "direction": "higher", "margin": "0.05",
        "n": 50, "score": "1", "ci_low": "0.929", "ci_high": "1", "stderr": None,
    },
]  # fmt: skip
TRAINING = {
    "run": "run-1", "recipe": None, "spec_digest": "ab" * 32, "params": {"learning_rate": "0.0005", "epochs": 3, "lora": {"rank": 8}},
    "job": {"seconds": "12.5", "device": "cpu"}, "environment_sha256": "cd" * 32,
}  # fmt: skip


@dataclass
class World:
    base: Version
    chats: Version
    sums: Version
    tuned: Version
    suite: Version
    constitution: Version
    release: Version


def build(folder: Path) -> World:
    """The world, approved as far as people approve it; nothing is settled yet."""
    keys.generate()
    person("ravi")
    base = builders.model(folder, "tiny-base", origin="pretrained", source="made for tests")
    chats = builders.dataset(folder, "chats", rows=3, languages=["en"])
    sums = builders.dataset(
        folder,
        "sums",
        rows=6,
        source_type="synthetic",
        synthetic=[SYNTHETIC],
        licence="Apache-2.0",
        languages=["en", "de"],
    )
    tuned = builders.trained(folder, base, [chats, sums], "tuned", summary=TRAINING)
    suite = eval_suite(folder)
    evaluation(tuned, suite, RESULTS)
    constitution = builders.constitution(content=PRINCIPLES)
    release = compose(tuned, constitution, baseline=base)
    for version, by in ((tuned, ADA), (constitution, POLLY)):
        approve(version, submitter=by)
    return World(base, chats, sums, tuned, suite, constitution, release)


def approve(version: Version, *, submitter: Actor, reviewer: Actor = RAVI) -> None:
    reviews.submit(version, actor=submitter)
    reviews.approve(version, digest=str(version.digest), reason="Read it; it holds.", actor=reviewer)


def eval_suite(folder: Path, slug: str = "basics") -> Version:
    items = builders.write_lines(folder / f"{slug}.jsonl", [{"id": "one", "prompt": "1+1", "target": "2"}])
    task = {
        "name": "sums",
        "kind": "exact_match",
        "metric": "exact_match",
        "margin": "0.05",
        "file": items.name,
    }
    files = [{"path": items.name, "size": items.stat().st_size, "sha256": digest_file(items)[0]}]
    content = {"title": "Basics", "status": "dev", "tasks": [task], "files": files}
    return actions.register("eval-suite", slug, content, files={items.name: items}, actor=ADA)


def evaluation(
    model: Version,
    suite: Version,
    results: list[dict[str, Any]],
    *,
    actor: Actor = ADA,
    limit: int | None = None,
) -> Activity:
    used = [("evaluated", model), ("evaluated_on", suite)]
    activity = actions.start_activity(
        "evaluation", f"Evaluation of {model.subject}", used, summary={"stage": "evaluate"}, actor=actor
    )
    summary = {
        "run": "run-2",
        "seed": 7,
        "limit": limit,
        "results": results,
        "harness": {"name": "lm_eval", "version": "0.4.13"},
        "items_sha256": "12" * 32,
    }
    return actions.end_activity(activity, state=Activity.ENDED, summary=summary, actor=actor)


def compose(
    model: Version,
    constitution: Version,
    *,
    slug: str = "assistant",
    baseline: Version | None = None,
    **more: Any,
) -> Version:
    prompt = actions.register("system-prompt", "plain", {"text": "You are helpful.\nBe brief."}, actor=POLLY)
    deployment = actions.register(
        "deployment", "local",
        {"engine": "transformers", "engine_version": "5.17.0", "context_length": 512, "decoding": {"max_new_tokens": 32}},
        actor=ADA,
    )  # fmt: skip
    rule = {
        "id": "safe",
        "title": "Refuses",
        "reads": ["results.harmful_refusal.score"],
        "expression": "facts['results.harmful_refusal.score'] > 0.5",
        "message": "Train on.",
    }
    policy = actions.register("release-policy", "strict", {"title": "Strict", "rules": [rule]}, actor=POLLY)
    parts = {
        "model": model,
        "baseline": baseline,
        "constitution": constitution,
        "system_prompt": prompt,
        "deployment": deployment,
        "policy": policy,
    }
    content = {name: pin(version) for name, version in parts.items() if version is not None}
    return actions.register(
        "release", slug, {**content, "intended_uses": "Sums.", **more}, actor=MARA, imported=False
    )


def pin(version: Version) -> dict[str, str]:
    return {"subject": version.subject, "digest": str(version.digest)}


def settled() -> Checkpoint:
    return settle()
