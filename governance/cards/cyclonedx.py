"""A card as CycloneDX 1.6 ML-BOM: the model with its model card, its data, its parents and what a release adds to it."""

from collections.abc import Iterator, Mapping
from typing import Any

from governance.cards import licences
from governance.cards.compose import Card
from governance.cards.front_matter import plain
from governance.cards.reading import (
    SHA256,
    SUBJECT,
    about,
    answers,
    digests,
    gaps,
    known,
    model_of,
    newest,
    rows,
    serial,
    urn,
    value,
    words,
    write,
)
from governance.evidence.facts import Document

APPROACH = {
    "sft": "supervised", "reward": "supervised", "process_reward": "supervised", "distillation": "supervised",
    "ppo": "reinforcement-learning", "grpo": "reinforcement-learning", "rloo": "reinforcement-learning",
    "online_dpo": "reinforcement-learning",
}  # fmt: skip
"""Method of the last stage → how CycloneDX calls its kind; of others, such as DPO, it has no word."""
TYPES = {
    "model": "machine-learning-model",
    "reward-model": "machine-learning-model",
    "release": "application",
}
"""Kind of a version → type of component; all others are data."""
FIGURES = (
    "artefact_id", "architecture_params", "post_training_version", "stages", "hyperparameters", "reward_specs", "mixture",
    "results", "refusal_results", "comparison", "contamination", "seven_patterns", "red_team", "mitigations",
)  # fmt: skip
"""Fields whose facts the model card holds one by one, for what CycloneDX has no place of its own."""


def render(card: Card) -> bytes:
    """The bill of materials. The same card gives the same bytes."""
    document = card.document
    top, model = str(document.subject), model_of(document)
    named, licensed = digests(document), licences.recorded(document)
    others = [
        _component(card, subject, named[subject], licensed) for subject in sorted(named) if subject != top
    ]
    return write(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{serial(card, 'cyclonedx')}",
            "version": 1,
            "metadata": {
                "timestamp": newest(card),
                "tools": {"components": [{"type": "application", "name": "Charter"}]},
                "component": _component(card, top, named[top], licensed),
                "properties": list(_record(card)),
            },
            "components": others,
            "dependencies": list(_dependencies(document, top, model, named)),
        }
    )


def _record(card: Card) -> Iterator[dict[str, str]]:
    document = card.document
    yield _property("ledger.size", str(document.at.size))
    yield _property("ledger.root", document.at.root)
    yield _property("evidence.sha256", document.digest)
    yield _property("simulated", "yes" if document.simulated else "no")
    yield _property("ledger.entries", ", ".join(str(entry.index) for entry in card.entries))
    for key, said in gaps(card).items():
        yield _property(f"gap.{key}", said)


def _property(name: str, said: str) -> dict[str, str]:
    return {"name": f"charter:{name}", "value": said}


def _component(card: Card, subject: str, digest: str, licensed: Mapping[str, str]) -> dict[str, Any]:
    document = card.document
    kind, _, rest = subject.partition(":")
    slug, _, number = rest.partition("@")
    made: dict[str, Any] = {
        "type": TYPES.get(kind, "data"),
        "bom-ref": urn(subject),
        "name": slug,
        "version": number,
        "properties": [_property("subject", subject), _property("kind", kind)],
    }
    if SHA256.fullmatch(digest):
        made["properties"].append(_property("version.sha256", digest))
        reference = {"type": "evidence", "url": urn(subject), "hashes": [_hash(digest)]}
        made["externalReferences"] = [{**reference, "comment": "Digest of the version in Charter's ledger."}]
    if made["type"] == "data":
        made["data"] = [{"type": "dataset" if kind == "dataset" else "configuration", "name": slug}]
    if licence := licensed.get(subject):
        made["licenses"] = [{"license": _licence(licence)}]
    if subject == model_of(document) and kind == "model":
        made |= _model(card)
    if subject == str(document.subject):
        made["name"] = plain(card.title) if kind == "model" else slug
    return made


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _licence(name: str) -> dict[str, str]:
    found = licences.identifier(name)
    return {"id": found} if found else {"name": plain(name)}


def _model(card: Card) -> dict[str, Any]:
    document = card.document
    made: dict[str, Any] = {"description": "; ".join(answers(about(document, ["description"])))}
    if provider := known(document, "provider_legal_name.written"):
        made["manufacturer"] = {"name": provider}
    made["modelCard"] = {
        "bom-ref": f"{urn(model_of(document))}:card",
        "modelParameters": dict(_parameters(document)),
        "quantitativeAnalysis": {"performanceMetrics": list(_metrics(document))},
        "considerations": {
            "useCases": answers(about(document, ["intended_uses", "out_of_scope"])),
            "technicalLimitations": answers(about(document, ["limits"])),
            "ethicalConsiderations": [
                {
                    "name": "; ".join(answers(about(document, ["risk_taxonomy"]))),
                    "mitigationStrategy": "; ".join(answers(about(document, ["mitigations"]))),
                }
            ],
        },
        "properties": list(_figures(document)),
    }
    return made


def _parameters(document: Document) -> Iterator[tuple[str, Any]]:
    methods = [value(row, "method") for _, row in rows(document, "stages")]
    if approach := APPROACH.get(str(methods[-1])) if methods else None:
        yield "approach", {"type": approach}
    if architecture := known(document, "architecture_params.architecture"):
        yield "modelArchitecture", architecture
        if architecture.endswith("ForCausalLM"):
            yield "task", "text-generation"
    trained = [value(row, "dataset") for _, row in rows(document, "mixture")]
    yield "datasets", [{"ref": urn(name)} for name in trained if name and SUBJECT.fullmatch(name)]
    for name, key in (("inputs", "modalities.input"), ("outputs", "modalities.output")):
        fact = document.get(key)
        if fact and isinstance(fact.value, tuple):
            yield name, [{"format": item} for item in fact.value]


def _metrics(document: Document) -> Iterator[dict[str, Any]]:
    for task, row in rows(document, "results"):
        score = row.get("score") or row.get("estimate")
        if score is not None:
            made: dict[str, Any] = {
                "type": value(row, "metric") or "score",
                "value": words(score),
                "slice": value(row, "task") or task,
            }
            low, high = value(row, "ci_low"), value(row, "ci_high")
            yield (
                {**made, "confidenceInterval": {"lowerBound": low, "upperBound": high}}
                if low and high
                else made
            )


def _figures(document: Document) -> Iterator[dict[str, str]]:
    for root in FIGURES:
        for fact in document.within(root):
            yield _property(fact.key, words(fact))


def _dependencies(
    document: Document, top: str, model: str, named: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """A release rests on its parts, a model on its parents and its data; what the record knows no more of stands alone."""
    below = [
        name
        for field, last in (("dependencies", "subject"), ("mixture", "dataset"), ("reward_specs", "subject"))
        for _, row in rows(document, field)
        if (name := value(row, last)) and name in named and name != model
    ]
    rests = {model: below}
    if top != model:
        rests[top] = [model, *(name for name in named if name not in (top, model, *below))]
    for subject in sorted(named):
        yield {"ref": urn(subject), "dependsOn": sorted({urn(name) for name in rests.get(subject, [])})}
