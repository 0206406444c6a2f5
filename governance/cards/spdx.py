"""A card as SPDX 3.0.1 (JSON-LD) with the profiles AI and Dataset: packages, their licences, and how one rests on another."""

from collections.abc import Iterator
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
    model_of,
    newest,
    rows,
    serial,
    told,
    urn,
    value,
    words,
    write,
)
from governance.evidence.facts import Document
from governance.ledger.canonical import sha256_hex

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
CREATION = "_:creation"
TYPES = {"dataset": "dataset_DatasetPackage", "model": "ai_AIPackage", "reward-model": "ai_AIPackage"}
RELATIONS = (
    ("mixture", "trainedOn", "dataset"),
    ("dependencies", "descendantOf", "subject"),
    ("reward_specs", "dependsOn", "subject"),
    ("suites", "testedOn", "subject"),
)
"""Field of the card, how the model relates to what it lists, and the last part of the key that names that."""
PURPOSES = {
    "dataset": "data",
    "model": "model",
    "reward-model": "model",
    "release": "application",
    "eval-suite": "test",
}
TEXTS = {
    "ai_limitation": ("limits",),
    "ai_informationAboutApplication": ("intended_uses", "out_of_scope"),
    "ai_informationAboutTraining": ("stages", "hyperparameters"),
}
"""Property of a model's package → fields of the card that it tells in words."""
DATA_TEXTS = {
    "dataset_dataCollectionProcess": "provenance",
    "dataset_intendedUse": "datasheet",
    "dataset_knownBias": "unsuitable_bias",
    "dataset_dataPreprocessing": "processing",
}
"""Property of a dataset's package → field of the card; its facts are numbered as in the mixture."""
LISTS = frozenset({"dataset_knownBias", "dataset_dataPreprocessing"})
FIGURES = ("score", "estimate", "ci_low", "ci_high", "n")


def render(card: Card) -> bytes:
    """The document. The same card gives the same bytes.

    It claims no conformance with the profiles AI and Dataset: they demand a supplier, a place of download and a release time
    of every package, which the record does not hold.
    """
    document, base = card.document, f"urn:uuid:{serial(card, 'spdx')}"
    agent = f"{base}#charter"
    elements = [
        {"type": "SoftwareAgent", "spdxId": agent, "creationInfo": CREATION, "name": "Charter"},
        *_packages(card),
        *_relationships(document, base),
        *_licences(document, base),
        *_notes(card, base),
    ]
    creation = {"type": "CreationInfo", "@id": CREATION, "specVersion": "3.0.1", "created": newest(card)}
    whole = {
        "type": "SpdxDocument",
        "spdxId": f"{base}#document",
        "creationInfo": CREATION,
        "name": plain(card.title),
        "profileConformance": ["core", "software"],
        "rootElement": [urn(str(document.subject))],
        "element": [element["spdxId"] for element in elements],
    }
    return write({"@context": CONTEXT, "@graph": [{**creation, "createdBy": [agent]}, whole, *elements]})


def _packages(card: Card) -> Iterator[dict[str, Any]]:
    document, named = card.document, digests(card.document)
    numbers = {value(row, "dataset"): number for number, row in rows(document, "mixture")}
    for subject in sorted(named):
        kind, _, rest = subject.partition(":")
        slug, _, number = rest.partition("@")
        made: dict[str, Any] = {
            "type": TYPES.get(kind, "software_Package"),
            "spdxId": urn(subject),
            "creationInfo": CREATION,
            "name": slug,
            "summary": subject,
            "software_packageVersion": number,
            "software_primaryPurpose": PURPOSES.get(kind, "configuration"),
        }
        if SHA256.fullmatch(named[subject]):
            made["verifiedUsing"] = [{"type": "Hash", "algorithm": "sha256", "hashValue": named[subject]}]
        if kind == "dataset":
            made |= _dataset(document, numbers.get(subject))
        elif subject == model_of(document) and made["type"] == "ai_AIPackage":
            made |= _model(document)
        yield made


def _model(document: Document) -> dict[str, Any]:
    made: dict[str, Any] = {name: "; ".join(answers(about(document, keys))) for name, keys in TEXTS.items()}
    made["description"] = "; ".join(answers(about(document, ["description"])))
    made["ai_typeOfModel"] = [told(document, "architecture_params.architecture")]
    hyperparameters = document.within("hyperparameters")
    measured = [
        fact
        for task, _ in rows(document, "results")
        for name in FIGURES
        if (fact := document.get(f"results.{task}.{name}"))
    ]
    for name, facts in (("ai_hyperparameter", hyperparameters), ("ai_metric", measured)):
        made[name] = [{"type": "DictionaryEntry", "key": fact.key, "value": words(fact)} for fact in facts]
    return {name: held for name, held in made.items() if held}


def _dataset(document: Document, number: str | None) -> dict[str, Any]:
    """What the card holds of a dataset of the mixture; of another dataset, such as one that it was derived from, its name alone."""
    if number is None:
        return {"dataset_datasetType": ["noAssertion"]}
    made: dict[str, Any] = {
        "dataset_datasetType": ["text" if document.get(f"datasheet.{number}.format") else "noAssertion"]
    }
    for name, field in DATA_TEXTS.items():
        said = "; ".join(answers(about(document, [f"{field}.{number}"])))
        made[name] = [said] if name in LISTS else said
    counted = document.get(f"mixture.{number}.rows")
    if counted and isinstance(counted.value, int):
        made["dataset_datasetSize"] = counted.value
    return made


def _relationships(document: Document, base: str) -> Iterator[dict[str, Any]]:
    named, model, top = digests(document), model_of(document), str(document.subject)
    ends = [
        (model, relation, value(row, last))
        for field, relation, last in RELATIONS
        for _, row in rows(document, field)
    ]
    below = {end for _, _, end in ends}
    ends += [
        (top, "contains", name)
        for name in sorted(named)
        if document.subject.kind == "release" and name not in below
    ]
    ends = [
        (start, relation, end)
        for start, relation, end in ends
        if end and SUBJECT.fullmatch(end) and end != start
    ]
    for number, (start, relation, end) in enumerate(ends, 1):
        yield _relationship(f"{base}#relation-{number}", start, relation, urn(str(end)))
    for number, (subject, licence) in enumerate(_licensed(document), 1):
        place = _licence_id(base, licence)
        yield _relationship(f"{base}#licensed-{number}", subject, "hasDeclaredLicense", place)


def _relationship(name: str, start: str, relation: str, end: str) -> dict[str, Any]:
    made = {"type": "Relationship", "spdxId": name, "creationInfo": CREATION, "relationshipType": relation}
    return {**made, "from": urn(start), "to": [end]}


def _licensed(document: Document) -> list[tuple[str, str]]:
    named = digests(document)
    return sorted((name, licence) for name, licence in licences.recorded(document).items() if name in named)


def _licence_id(base: str, name: str) -> str:
    return f"{base}#licence-{sha256_hex(name.encode())[:16]}"


def _licences(document: Document, base: str) -> Iterator[dict[str, Any]]:
    """Each licence once: an expression where the SPDX list has it, else a custom licence that is known by its name alone."""
    for name in sorted({licence for _, licence in _licensed(document)}):
        made = {"spdxId": _licence_id(base, name), "creationInfo": CREATION, "name": plain(name)}
        if found := licences.identifier(name):
            yield {
                **made,
                "type": "simplelicensing_LicenseExpression",
                "simplelicensing_licenseExpression": found,
            }
        else:
            yield {
                **made,
                "type": "expandedlicensing_CustomLicense",
                "simplelicensing_licenseText": plain(name),
            }


def _notes(card: Card, base: str) -> Iterator[dict[str, Any]]:
    """What the evidence is, and one note for every field that has no value, with its state."""
    document = card.document
    said = {
        "ledger": f"{document.at.size} entries, root {document.at.root}",
        "evidence": f"sha256 {document.digest}",
        "simulated": "yes" if document.simulated else "no",
        **gaps(card),
    }
    for key, text in said.items():
        yield {
            "type": "Annotation",
            "spdxId": f"{base}#note-{key}",
            "creationInfo": CREATION,
            "annotationType": "other",
            "subject": urn(str(document.subject)),
            "statement": f"{key}: {text}",
        }
