"""What the evidence of a release says about its behavioural identity. Gates and their reports never enter the evidence."""

from collections.abc import Iterator
from typing import Any

from governance.evidence.build import gap, resolve, scalars, withheld
from governance.evidence.facts import Derivation, Fact
from governance.evidence.view import View
from governance.releases.identity import DEPLOYMENT, ENDPOINT, MODEL, behavioural_identity, identity_parts

KEY, LABEL = "artefact_id", "Behavioural identity"
PINNED = ("constitution", "system_prompt")
LISTED = ("policies", "filters")


def identity(view: View) -> Iterator[Fact]:
    """`artefact_id`, derived from the facts that name the weights, the policy layer and the deployment; releases only."""
    if view.version.kind != "release" or view.subject.erased:
        return
    model, deployment = view.parts.get("model"), view.parts.get("deployment")
    if model is None or deployment is None:
        missing = "model" if model is None else "deployment configuration"
        reason = f"The registry does not hold the {missing} that the release pins."
        yield gap(KEY, LABEL, "not_recorded", reason)
        return
    if hidden := next((part for part in (model, deployment) if part.erased), None):
        yield withheld(KEY, LABEL, hidden)
        return
    pins = {part: resolve(view.subject.content, f"/{part}/digest") for part in PINNED}
    listed = {field: [str(ref["digest"]) for ref in view.subject.content[field]] for field in LISTED}
    parts = identity_parts(
        model.content,
        deployment.content,
        constitution=pins["constitution"],
        system_prompt=pins["system_prompt"],
        policies=listed["policies"],
        filters=listed["filters"],
    )
    inputs = (
        *_model_keys(model.content),
        *_pin_keys(pins),
        *_listed_keys(listed),
        *_deployment_keys(deployment.content),
    )
    source = Derivation(function="behavioural_identity", inputs=inputs)
    # Nothing is surer than its least sure input, and a deployment configuration is what somebody says it is.
    value = behavioural_identity(parts)
    yield Fact(key=KEY, label=LABEL, value=value, state="derived", assurance="asserted", source=source)


def _model_keys(content: dict[str, Any]) -> Iterator[str]:
    yield from (f"authenticity.{name.removesuffix('_digest')}" for name in MODEL if content[name])
    if content["weights_digest"]:
        return
    for number, _ in enumerate(content["manifest"], 1):
        yield from (f"authenticity.{number}.{name}" for name in ("path", "sha256"))
    if content.get("endpoint"):
        yield from (f"authenticity.endpoint_{name}" for name in ENDPOINT)
    elif not content["manifest"]:
        yield from (f"authenticity.{name}" for name in ("source", "revision") if content[name])


def _pin_keys(pins: dict[str, str | None]) -> Iterator[str]:
    for part, digest in pins.items():
        yield f"policy_layer_version.{part}.digest" if digest else f"policy_layer_version.{part}"


def _listed_keys(listed: dict[str, list[str]]) -> Iterator[str]:
    for field, digests in listed.items():
        found = [f"policy_layer_version.{field}_{number}.digest" for number, _ in enumerate(digests, 1)]
        yield from found or [f"policy_layer_version.{field}"]


def _deployment_keys(content: dict[str, Any]) -> Iterator[str]:
    for name in (one for one in DEPLOYMENT if one in content):
        found = [below for below, _, _ in scalars(content[name], name=name)]
        yield from (f"deployment_config.{below}" for below in found or [name])
