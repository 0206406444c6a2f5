"""Identity and summary: name, weights, parents, architecture, licences."""

from collections.abc import Iterator
from typing import Any

from governance.evidence.build import count_withdrawn, gap, human, in_content, recorded
from governance.evidence.facts import Fact
from governance.evidence.records import Sealed
from governance.evidence.view import View

ENDPOINT = ("base_url", "model", "flavour")
"""What a model is known by that is only asked at an address."""
PARENTS = ("init_from", "merged_from", "teacher", "reference_model", "value_model_init")
"""Roles that make another model a dependency of this one."""


def facts(view: View) -> Iterator[Fact]:
    """Facts of the model that the evidence is about; none for a dataset."""
    if view.model is None:
        return
    yield from _name(view, view.model)
    yield from _version(view, view.model)
    yield from _dependencies(view)
    yield from _authenticity(view.model)
    yield from _summary(view.model)
    yield from _licences(view, view.model)


def _name(view: View, model: Sealed) -> Iterator[Fact]:
    yield from recorded("model_name", "name", view.artifact(model), "/state/title", assurance="asserted")
    yield from recorded(
        "model_name.model", "model version", model.record, "/state/subject", assurance="observed"
    )
    if view.subject is not model:
        yield from recorded(
            "model_name.release", "release", view.subject.record, "/state/subject", assurance="observed"
        )


def _version(view: View, model: Sealed) -> Iterator[Fact]:
    key = "post_training_version"
    yield from recorded(
        f"{key}.digest", "digest of the model version", model.record, "/state/digest", assurance="observed"
    )
    yield from in_content(
        f"{key}.weights", "digest of the weights", model, "/weights_digest", assurance="observed"
    )
    for number, step in enumerate(view.line.steps, 1):
        for name in ("run", "recipe"):
            yield from recorded(
                f"{key}.{number}.{name}",
                name,
                step.record,
                f"/state/summary/{name}",
                assurance=step.assurance,
            )


def _dependencies(view: View) -> Iterator[Fact]:
    edges = [(step, edge) for step in reversed(view.line.steps) for edge in step.used_as(*PARENTS)]
    found = view.versions((edge.subject, edge.digest) for _, edge in edges)
    standing: list[Fact] = []
    for number, (step, edge) in enumerate(edges, 1):
        key = f"dependencies.{number}"
        for name in ("subject", "role", "digest"):
            pointer = f"/state/used/{edge.place}/{name}"
            yield from recorded(f"{key}.{name}", name, step.record, pointer, assurance=step.assurance)
        if edge.subject in found:
            record = found[edge.subject].record
            standing += recorded(f"{key}.state", "state", record, "/state/state", assurance="observed")
    yield from standing
    if view.line.steps:
        yield count_withdrawn("dependencies.withdrawn", "models refused or revoked", standing, "models")
    yield from _built_from(view)


def _built_from(view: View) -> Iterator[Fact]:
    """What the providers of the models where the recorded line begins had folded in, or that they do not say."""
    number = 0
    for root in view.line.roots:
        content = root.disclosed or {}
        for place, _ in enumerate(content.get("built_from", [])):
            number += 1
            for name in ("what", "description", "source"):
                key = f"dependencies.built_from_{number}.{name}"
                yield from in_content(key, name, root, f"/built_from/{place}/{name}")
        for item in [item for item in content.get("gaps", []) if item["field"] == "built_from"]:
            number += 1
            label = f"folded into {root.subject} before its recorded post-training"
            reason = item["reason"] or f"{root.subject} says no more."
            key = f"dependencies.built_from_{number}"
            yield gap(key, label, item["state"], reason, item["owner"] or root.owner)


def _authenticity(model: Sealed) -> Iterator[Fact]:
    for name in ("weights", "tokenizer", "chat_template"):
        label = f"digest of the {name.replace('_', ' ')}"
        yield from in_content(f"authenticity.{name}", label, model, f"/{name}_digest", assurance="observed")
    content = {} if model.disclosed is None else model.content
    field = "manifest" if content.get("manifest") else "files"
    for index, _ in enumerate(content.get(field, [])):
        for name in ("path", "sha256"):
            key, at = f"authenticity.{index + 1}.{name}", f"/{field}/{index}/{name}"
            yield from in_content(key, name, model, at, assurance="observed")
    yield from _without_digest(model, content)


def _without_digest(model: Sealed, content: dict[str, Any]) -> Iterator[Fact]:
    """Why the weights have no digest, and what they are known by instead."""
    for item in content.get("gaps", []):
        if item["field"] == "weights_digest":
            reason, owner = item["reason"] or f"{model.subject} says no more.", item["owner"] or model.owner
            yield gap("authenticity.weights", "digest of the weights", item["state"], reason, owner)
    for name in ENDPOINT if content.get("endpoint") else ():
        label = f"endpoint's {human(name)}"
        yield from in_content(f"authenticity.endpoint_{name}", label, model, f"/endpoint/{name}")
    if content and content["weights_digest"] is None:
        for name in ("source", "revision"):
            yield from in_content(f"authenticity.{name}", name, model, f"/{name}")


def _summary(model: Sealed) -> Iterator[Fact]:
    yield from in_content("description", "description", model, "/description")
    yield from in_content(
        "architecture_params.architecture", "architecture", model, "/architecture", assurance="observed"
    )
    yield from in_content(
        "architecture_params.parameters",
        "parameters",
        model,
        "/parameters",
        assurance="observed",
        unit="parameters",
    )
    yield from in_content("architecture_params.dtype", "number format", model, "/dtype", assurance="observed")
    yield from in_content(
        "architecture_params.vocabulary",
        "vocabulary",
        model,
        "/vocabulary",
        assurance="observed",
        unit="tokens",
    )
    yield from in_content("modalities.input", "input", model, "/modalities_in")
    yield from in_content("modalities.output", "output", model, "/modalities_out")
    yield from in_content(
        "modalities.context_length",
        "longest input",
        model,
        "/context_length",
        assurance="observed",
        unit="tokens",
    )


def _licences(view: View, model: Sealed) -> Iterator[Fact]:
    own = list(in_content("licence", "licence of the weights", model, "/licence"))
    yield from own or [
        gap(
            "licence", "licence of the weights", "not_recorded", f"{model.subject} does not say.", model.owner
        )
    ]
    inherited = [*view.line.models[1:], *view.datasets]
    for number, sealed in enumerate(
        (sealed for sealed in inherited if sealed.erased or sealed.content["licence"]), 1
    ):
        yield from recorded(
            f"licence.{number}.of", "inherited from", sealed.record, "/state/subject", assurance="observed"
        )
        yield from in_content(f"licence.{number}.licence", "licence", sealed, "/licence")
