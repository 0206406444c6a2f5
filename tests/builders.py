"""Worlds for tests, built with the real actions: whatever stands in them has its entries."""

import json
import struct
from pathlib import Path
from typing import Any

from governance.ledger.actors import Actor
from governance.registry import actions, importers, lookup
from governance.registry.models import Activity, Version
from governance.reviews import actions as reviews
from tests.cast import person

ADA, POLLY, RAVI, MARA = (Actor.person(name) for name in ("ada", "polly", "ravi", "mara"))
CONSTITUTION = {
    "title": "House rules",
    "principles": [
        {
            "id": "no-harm",
            "text": "Refuse to help with what hurts people.",
            "kind": "refusal",
            "authority": "platform",
        },
        {"id": "help", "text": "Help with everything else.", "kind": "other", "authority": "guideline"},
    ],
}
SAFETENSORS = {"a": [1.0, 2.0], "b": [3.0, 4.0, 5.0, 6.0]}


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_model(folder: Path, tensors: dict[str, list[float]] = SAFETENSORS) -> Path:
    """A model folder of a few floats: enough for everything that does not run it."""
    folder.mkdir(parents=True, exist_ok=True)
    header: dict[str, Any] = {}
    data = b""
    for name, values in sorted(tensors.items()):
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {
            "dtype": "F32",
            "shape": [len(values)],
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    config = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 512, "vocab_size": 650}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')
    (folder / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    return folder


def dataset(folder: Path, slug: str = "chats", *, rows: int = 3, actor: Actor = ADA, **meta: Any) -> Version:
    """A sealed dataset of `rows` chats."""
    messages = [
        {
            "messages": [
                {"role": "user", "content": f"Question {n}?"},
                {"role": "assistant", "content": f"Answer {n}."},
            ]
        }
        for n in range(rows)
    ]
    path = write_lines(folder / f"{slug}.jsonl", messages)
    about = {
        "description": "Chats.",
        "licence": "CC0-1.0",
        "source_type": "human",
        "source": "written for tests",
        **meta,
    }
    imported = importers.read("dataset", path, about)
    return actions.register("dataset", slug, imported.content, files=imported.files, actor=actor)


def model(
    folder: Path,
    slug: str = "base",
    *,
    tensors: dict[str, list[float]] = SAFETENSORS,
    actor: Actor = ADA,
    **meta: Any,
) -> Version:
    """A sealed imported model."""
    about = {"description": "A model.", "licence": "Apache-2.0", "origin": "imported", **meta}
    imported = importers.read("model", write_model(folder / slug, tensors), about)
    return actions.register("model", slug, imported.content, files=imported.files, actor=actor)


def constitution(
    slug: str = "house", *, actor: Actor = POLLY, content: dict[str, Any] | None = None
) -> Version:
    """A sealed constitution."""
    return actions.register("constitution", slug, content or CONSTITUTION, actor=actor)


def trained(
    folder: Path,
    base: Version,
    data: list[Version],
    slug: str = "tuned",
    *,
    summary: dict[str, Any] | None = None,
    actor: Actor = ADA,
) -> Version:
    """A model that an activity made from `base` and `data`, without running a trainer."""
    used = [("init_from", base), *(("trained_on", one) for one in data)]
    activity = actions.start_activity(
        "training", f"SFT of {slug}", used, summary={"stage": "sft", "seed": 1}, actor=actor
    )
    tensors = {name: [value + 1 for value in values] for name, values in SAFETENSORS.items()}
    imported = importers.read(
        "model",
        write_model(folder / slug, tensors),
        {"description": "Tuned.", "licence": "Apache-2.0", "origin": "post-trained"},
    )
    version = actions.register(
        "model", slug, imported.content, files=imported.files, actor=actor, imported=False
    )
    actions.end_activity(
        activity,
        state=Activity.ENDED,
        produced=[("output", version)],
        summary=summary or {"params": {"learning_rate": "0.0005"}},
        actor=actor,
    )
    return version


def approved(version: Version, *, by: Actor = RAVI, submitter: Actor | None = None) -> Version:
    """Send to review and approve, by two people."""
    person(str(by.handle))
    version = lookup.find(version.subject)
    reviews.submit(version, actor=submitter or Actor.person(version.created_by))
    reviews.approve(version, digest=str(version.digest), reason="Read it; it is right.", actor=by)
    return version
