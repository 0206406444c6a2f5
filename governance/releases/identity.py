"""Behavioural identity (pure): one hash over all that decides how a release answers."""

from collections.abc import Mapping
from typing import Any

from governance.ledger.canonical import canonical, sha256_hex

NOT_APPLICABLE = "not_applicable"

MODEL = ("weights_digest", "tokenizer_digest", "chat_template_digest")
DEPLOYMENT = (
    "engine",
    "engine_version",
    "decoding",
    "context_length",
    "quantisation",
    "tools",
    "filters",
    "router",
    "retrieval_digest",
    "memory",
)
"""What of a deployment configuration changes an answer. Region and audience say where it is served, not how."""


def identity_parts(
    model: Mapping[str, Any],
    deployment: Mapping[str, Any],
    *,
    constitution: str | None,
    system_prompt: str | None,
) -> dict[str, Any]:
    """What the identity is taken over. `model` and `deployment` are contents of versions, the others digests of versions.

    Files do not take part: weights are known by their tensors, so re-sharding changes nothing. What is null or an empty
    list does not apply, and says so.
    """
    return {
        "schema": "behavioural-identity/1",
        **{name: _stated(model.get(name)) for name in MODEL},
        "constitution": _stated(constitution),
        "system_prompt": _stated(system_prompt),
        **{name: _stated(deployment.get(name)) for name in DEPLOYMENT},
    }


def behavioural_identity(parts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical bytes of `parts`, as made by `identity_parts`. Raises CanonicalError."""
    return sha256_hex(canonical(dict(parts)))


def _stated(value: Any) -> Any:
    if value is None or value == []:
        return NOT_APPLICABLE
    if isinstance(value, Mapping):
        return {name: _stated(item) for name, item in value.items()}
    return value
