"""How a model came to be as an in-toto Statement v1 with SLSA provenance v1: subject, recipe, inputs by digest, who ran it.

It is not signed by itself: the signed bundle names the evidence that it is made from.
"""

import re
from collections.abc import Iterator
from typing import Any

from governance.cards.compose import Card
from governance.cards.reading import (
    NOTHING,
    SHA256,
    SUBJECT,
    Row,
    digests,
    gaps,
    known,
    model_of,
    rows,
    told,
    urn,
    value,
    words,
    write,
)
from governance.evidence.facts import Document
from governance.ledger.dsse import STATEMENT_TYPE

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:charter:post-training:v1"
WEIGHTS = "charterWeights"
"""Name of the digest over all tensors (name, type, shape, bytes): no file has it, so it must not be called sha256."""
MADE = "made_"
RECORDS = ("spec_digest", "environment_sha256", "config_sha256")
BYPRODUCTS = ("manifest_sha256", "metrics_sha256", "events_sha256")


def render(card: Card) -> bytes:
    """The statement about the model, or about the dataset that a datasheet describes. The same card gives the same bytes."""
    document = card.document
    return write(
        {
            "_type": STATEMENT_TYPE,
            "subject": list(_subjects(document)),
            "predicateType": PREDICATE_TYPE,
            "predicate": {"buildDefinition": _definition(card), "runDetails": _run(card)},
        }
    )


def _subjects(document: Document) -> Iterator[dict[str, Any]]:
    model = model_of(document)
    digest = digests(document).get(model, "")
    made: dict[str, str] = {"sha256": digest} if SHA256.fullmatch(digest) else {}
    weights = known(document, "post_training_version.weights")
    yield {"name": model, "digest": {**made, **({WEIGHTS: weights} if weights else {})}}
    for _, row in rows(document, "authenticity"):
        path, sha256 = value(row, "path"), value(row, "sha256")
        if path and sha256:
            yield {"name": path, "digest": {"sha256": sha256}}


def _definition(card: Card) -> dict[str, Any]:
    document = card.document
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "stages": [_stage(number, row, document) for number, row in rows(document, "stages")]
            or told(document, "stages"),
            "hyperparameters": {
                fact.key.partition(".")[2] or fact.key: words(fact)
                for fact in document.within("hyperparameters")
            },
        },
        "internalParameters": {
            "charter_evidence_sha256": document.digest,
            "charter_ledger": document.at.model_dump(),
            "charter_simulated": document.simulated,
            "charter_gaps": gaps(card),
        },
        "resolvedDependencies": list(_dependencies(document)),
    }


def _stage(number: str, row: Row, document: Document) -> dict[str, Any]:
    code = {name: known(document, f"code.{number}.{name}") for name in (*RECORDS, "seed")}
    recipe = known(document, f"post_training_version.{number}.recipe")
    return {
        "number": number,
        **{key: words(fact) for key, fact in row.items()},
        **{key: found for key, found in {**code, "recipe": recipe}.items() if found},
    }


def _dependencies(document: Document) -> Iterator[dict[str, Any]]:
    """What the stages used and did not make themselves, with each role; then the records of code and environment."""
    named = digests(document)
    made: set[str] = set()
    used: dict[str, dict[str, str]] = {}
    for number, row in rows(document, "stages"):
        for key, fact in row.items():
            subject = words(fact)
            if fact.is_empty or not SUBJECT.fullmatch(subject):
                continue
            if key.startswith(MADE):
                made.add(subject)
            else:
                used.setdefault(subject, {})[f"stage {number}"] = re.sub(r"_\d+$", "", key)
    for subject, roles in sorted(used.items()):
        if subject not in made:
            digest = named.get(subject) or ""
            about = {"name": subject, "uri": urn(subject), "annotations": {"role": roles}}
            if SHA256.fullmatch(digest):
                yield {**about, "digest": {"sha256": digest}}
            else:
                yield {**about, "annotations": {"role": roles, "digest": NOTHING}}
    yield from _digests(document, RECORDS)


def _digests(document: Document, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for number, row in rows(document, "code"):
        for name in names:
            if (found := value(row, name)) and SHA256.fullmatch(found):
                yield {"name": f"stage {number}: {name}", "digest": {"sha256": found}}


def _run(card: Card) -> dict[str, Any]:
    """Who ran the last stage and when; what was observed, reported or only asserted stands beside it."""
    document = card.document
    last = list(rows(document, "stages"))[-1:]
    metadata: dict[str, str] = {}
    builder = "urn:charter:builder:not-recorded"
    version: dict[str, str] = {}
    for number, row in last:
        by = row.get("recorded_by")
        if by and not by.is_empty:
            builder = f"urn:charter:builder:{re.sub(r'[^A-Za-z0-9:._-]', '-', words(by))}"
        method = row.get("method")
        version = {"charter_assurance": str(method.assurance)} if method and method.assurance else {}
        if run := known(document, f"post_training_version.{number}.run"):
            metadata["invocationId"] = run
        for name, attribute in (("started_at", "startedOn"), ("ended_at", "finishedOn")):
            if when := value(row, name):
                metadata[attribute] = when
    return {
        "builder": {"id": builder, "version": version},
        "metadata": metadata,
        "byproducts": list(_digests(document, BYPRODUCTS)),
    }
