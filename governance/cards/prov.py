"""A card's lineage as W3C PROV (PROV-JSON): versions as entities, runs and evaluations as activities, handles as agents."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from governance.cards.compose import Card
from governance.cards.reading import NOTHING, SUBJECT, Row, digests, gaps, model_of, rows, value, words, write
from governance.evidence.cited import DEMO
from governance.evidence.facts import Document, Fact

PREFIX = {
    "charter": "urn:charter:",
    "version": "urn:charter:version:",
    "activity": "urn:charter:activity:",
    "agent": "urn:charter:agent:",
}
MADE = "made_"
"""How keys of what a stage made begin; all other versions that it names were used, in the role that the key says."""
FIGURES = re.compile(r"(score|estimate|ci_low|ci_high|n)")


def render(card: Card) -> bytes:
    """The lineage as far as the card holds it. The same card gives the same bytes."""
    document = card.document
    made: dict[str, dict[str, Any]] = {"prefix": PREFIX, "entity": dict(_entities(card))}
    for number, row in rows(document, "stages"):
        _stage(made, f"activity:stage-{number}", row, document)
    for number, row in rows(document, "suites"):
        _evaluation(made, f"activity:evaluation-{number}", row, document)
    for number, row in rows(document, "provenance"):
        _sources(made, number, row, document)
    for part, row in rows(document, "authorship"):
        _authors(made, part, row)
    return write(made)


def name(subject: str) -> str:
    """The qualified name of a version."""
    return f"version:{quote(subject.replace(':', '/'), safe='/@')}"


def _entities(card: Card) -> Iterator[tuple[str, dict[str, Any]]]:
    document = card.document
    for subject, digest in sorted(digests(document).items()):
        about: dict[str, Any] = {
            "prov:label": subject,
            "prov:type": subject.partition(":")[0],
            "charter:sha256": digest or NOTHING,
        }
        if subject == str(document.subject):
            about |= {
                "charter:title": card.title,
                "charter:ledger_size": document.at.size,
                "charter:ledger_root": document.at.root,
                "charter:evidence_sha256": document.digest,
                "charter:simulated": "yes" if document.simulated else "no",
                **{f"charter:gap_{key}": said for key, said in gaps(card).items()},
            }
        yield name(subject), about


def _stage(made: dict[str, Any], activity: str, row: Row, document: Document) -> None:
    versions = {key: fact for key, fact in row.items() if _is_version(fact)}
    used = {key: fact for key, fact in versions.items() if not key.startswith(MADE)}
    outputs = [fact for key, fact in versions.items() if key.startswith(MADE)]
    _activity(made, activity, row, document, row.keys() - versions.keys())
    for key, fact in used.items():
        role = re.sub(r"_\d+$", "", key)
        _relate(
            made, "used", {"prov:activity": activity, "prov:entity": name(words(fact)), "prov:role": role}
        )
    for fact in outputs:
        output = name(words(fact))
        _relate(made, "wasGeneratedBy", {"prov:entity": output, "prov:activity": activity})
        for source in used.values():
            derived = {
                "prov:generatedEntity": output,
                "prov:usedEntity": name(words(source)),
                "prov:activity": activity,
            }
            _relate(made, "wasDerivedFrom", derived)


def _evaluation(made: dict[str, Any], activity: str, row: Row, document: Document) -> None:
    suite = value(row, "subject")
    _activity(made, activity, row, document, {"ended_at", "recorded_by", "title", "status"})
    for subject, role in ((model_of(document), "evaluated"), (suite, "evaluated_on")):
        if subject and SUBJECT.fullmatch(subject):
            _relate(
                made, "used", {"prov:activity": activity, "prov:entity": name(subject), "prov:role": role}
            )
    for task, result in rows(document, "results"):
        if suite and value(result, "suite") == suite:
            entity = f"version:result/{task}"
            made["entity"][entity] = {
                "prov:label": value(result, "task") or task,
                "prov:type": "result",
                **{f"charter:{key}": words(fact) for key, fact in result.items() if FIGURES.fullmatch(key)},
            }
            _relate(made, "wasGeneratedBy", {"prov:entity": entity, "prov:activity": activity})


def _activity(made: dict[str, Any], activity: str, row: Row, document: Document, keys: Any) -> None:
    told = {key: row[key] for key in sorted(keys) if key in row}
    about: dict[str, Any] = {
        f"charter:{key}": words(fact) for key, fact in told.items() if not key.endswith("_at")
    }
    for key, attribute in (("started_at", "prov:startTime"), ("ended_at", "prov:endTime")):
        if when := value(row, key):
            about[attribute] = when
    entries = sorted({index for fact in row.values() for index in document.entries_behind(fact)})
    about["charter:entries"] = " ".join(map(str, entries))
    made.setdefault("activity", {})[activity] = about
    if by := value(row, "recorded_by"):
        _relate(made, "wasAssociatedWith", {"prov:activity": activity, "prov:agent": _agent(made, by)})


def _sources(made: dict[str, Any], number: str, row: Row, document: Document) -> None:
    dataset = document.get(f"mixture.{number}.dataset")
    for key, fact in row.items():
        if key.startswith("derived_from") and dataset and _is_version(dataset) and _is_version(fact):
            derived = {"prov:generatedEntity": name(words(dataset)), "prov:usedEntity": name(words(fact))}
            _relate(made, "wasDerivedFrom", derived)


def _authors(made: dict[str, Any], part: str, row: Row) -> None:
    subject, authors = row.get("subject"), row.get("authors")
    if subject and _is_version(subject) and authors and isinstance(authors.value, tuple):
        for author in authors.value:
            attributed = {"prov:entity": name(words(subject)), "prov:agent": _agent(made, author)}
            _relate(made, "wasAttributedTo", {**attributed, "charter:part": part})


def _agent(made: dict[str, Any], handle: str) -> str:
    """The agent with a handle. Handles are pseudonyms; what the ledger calls `person:ada` it elsewhere calls `ada`."""
    told = handle.removeprefix(DEMO).removeprefix("person:")
    agent = f"agent:{quote(told, safe='')}"
    made.setdefault("agent", {})[agent] = {"prov:label": told}
    return agent


def _is_version(fact: Fact) -> bool:
    return isinstance(fact.value, str) and SUBJECT.fullmatch(fact.value) is not None


def _relate(made: dict[str, Any], relation: str, ends: dict[str, str]) -> None:
    known = made.setdefault(relation, {})
    known[f"_:{relation}{len(known) + 1}"] = ends
