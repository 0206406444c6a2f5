"""Behavioural identity (pure): one hash over all that decides how a release answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from governance.ledger.canonical import canonical, sha256_hex

NOT_APPLICABLE = "not_applicable"

MODEL = ("weights_digest", "tokenizer_digest", "chat_template_digest")
ENDPOINT = ("base_url", "model", "flavour")
"""What a served model is known by."""
DEPLOYMENT = (
    "engine",
    "engine_version",
    "decoding",
    "context_length",
    "quantisation",
    "tools",
    "tool_definitions",
    "prompt_templates",
    "filters",
    "router",
    "routes",
    "channels",
    "retrieval_digest",
    "memory",
)
"""What of a deployment configuration changes an answer. Region and audience say where it is served, not how."""
ORDERED = frozenset({"routes"})
"""Lists whose order changes an answer: a router may take the first model that fits. All others are sets."""
PARTS = ("schema", *MODEL, "constitution", "policies", "release_filters", "system_prompt", *DEPLOYMENT)
"""Names of all that the identity is taken over."""


def identity_parts(
    model: Mapping[str, Any],
    deployment: Mapping[str, Any],
    *,
    constitution: str | None,
    system_prompt: str | None,
    policies: Sequence[str] = (),
    filters: Sequence[str] = (),
) -> dict[str, Any]:
    """What the identity is taken over. `model` and `deployment` are contents of versions, the others digests of versions.

    Files do not take part: weights are known by their tensors, so re-sharding changes nothing. Weights that nobody here
    has opened are known by the hashes of their files, weights that are not held here by source and revision, and those
    behind an endpoint by its address and the name that is asked for. The order of a list does not count, except where
    ORDERED names it. What is null, an empty list or not there does not apply, and says so.
    """
    return {
        "schema": "behavioural-identity/1",
        **{name: _stated(model.get(name)) for name in MODEL},
        "weights_digest": model.get("weights_digest") or _unopened(model),
        "constitution": _stated(constitution),
        "policies": _stated(sorted(policies)),
        "release_filters": _stated(sorted(filters)),
        "system_prompt": _stated(system_prompt),
        **{name: _stated(deployment.get(name), name) for name in DEPLOYMENT},
    }


def behavioural_identity(parts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical bytes of `parts`, as made by `identity_parts`. Raises CanonicalError."""
    return sha256_hex(canonical(dict(parts)))


def _unopened(model: Mapping[str, Any]) -> Any:
    """What stands for weights whose tensors nobody here has hashed."""
    if files := model.get("manifest"):
        return {"files": sorted([file["path"], file["sha256"]] for file in files)}
    if endpoint := model.get("endpoint"):
        return {name: endpoint[name] for name in ENDPOINT}
    return {name: _stated(model.get(name) or None) for name in ("source", "revision")}


def _stated(value: Any, name: str = "") -> Any:
    if value is None or value == []:
        return NOT_APPLICABLE
    if isinstance(value, Mapping):
        # Of another version the digest counts, not what it is called here.
        if set(value) == {"subject", "digest"}:
            return value["digest"]
        return {inner: _stated(item, inner) for inner, item in value.items()}
    if not isinstance(value, list):
        return value
    items = [_stated(item) for item in value]
    return items if name in ORDERED else sorted(items, key=canonical)
