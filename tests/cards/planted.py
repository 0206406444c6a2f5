"""The small world with a secret planted wherever something is for some readers only; each is a word found nowhere else."""

from pathlib import Path

from django.db import transaction

from governance.ledger.append import append
from governance.registry import actions
from governance.registry.events import RegistryEvent
from governance.registry.models import Version
from tests import builders
from tests.builders import ADA, MARA, POLLY
from tests.evidence.world import TRAINING, World, approve, pin

DOWNSTREAM = ("amaranth-means", "amaranth-host", "amaranth-text", "amaranth-part")
AUTHORITY = (
    "cinnabar-source",
    "cinnabar-bias",
    "cinnabar-machine",
    "cinnabar-why",
    "cinnabar-vault",
    "cinnabar-part",
)
INTERNAL = ("viridian-money", "viridian-part", "viridian-person", "heliotrope")
CLASSES = {"public": (), "downstream": DOWNSTREAM, "authority": (*DOWNSTREAM, *AUTHORITY)}


def planted(world: World, folder: Path) -> Version:
    """A release whose deployment, data, training, card text and entries hold the secrets."""
    data = builders.dataset(
        folder, "bought", rows=4, licensed=[{"source": "cinnabar-source"}], unsuitable_bias="cinnabar-bias"
    )
    job = {**TRAINING["job"], "hardware": "cinnabar-machine"}
    model = builders.trained(folder, world.base, [data], "planted", summary={**TRAINING, "job": job})
    deployment = actions.register(
        "deployment", "served",
        {"engine": "transformers", "engine_version": "5.17.0", "context_length": 512, "decoding": {"max_new_tokens": 32},
         "technical_means": "amaranth-means", "hardware": "amaranth-host"},
        actor=ADA,
    )  # fmt: skip
    old = world.release.content
    content = {**old, "model": pin(model), "deployment": pin(deployment)}
    release = actions.register("release", "planted", content, actor=MARA, imported=False)
    texts = {
        "limits": "Known to all.", "integration": "amaranth-text", "rationale": "cinnabar-why", "security": "cinnabar-vault",
        "cost": "viridian-money",
    }  # fmt: skip
    said = {key: {"text": text, "author": "mara", "as_of": "2026-01-02"} for key, text in texts.items()}
    card_text = actions.register(
        "card-text", "planted", {"subject": "release:planted", "fields": said}, actor=POLLY
    )
    approve(card_text, submitter=POLLY)
    with transaction.atomic():
        append(
            release, op=RegistryEvent.REGISTERED, actor=MARA, fields=[],
            summary={"D": {"note": "amaranth-part"}, "R": {"note": "cinnabar-part"}, "I": {"note": "viridian-part"},
                     "X": {"note": "viridian-person"}},
        )  # fmt: skip
    return release
