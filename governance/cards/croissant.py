"""A datasheet as Croissant 1.0 with the vocabulary for responsible AI (JSON-LD)."""

from collections.abc import Iterator
from typing import Any

from governance.cards.compose import Card
from governance.cards.forms import data
from governance.cards.front_matter import languages, plain
from governance.cards.licences import identifier
from governance.cards.reading import about, answers, gaps, known, newest, told, urn, write
from governance.evidence.facts import Document

FORMATS = ("http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0")
ONE = frozenset({"dataCollection", "dataCollectionRawData"})
"""Properties that have one text, not several."""
LICENCES = "https://spdx.org/licenses/"


def render(card: Card) -> bytes:
    """The description. The same card gives the same bytes."""
    document = card.document
    description = {
        "@context": data("croissant")["context"],
        "@type": "sc:Dataset",
        "@id": urn(str(document.subject)),
        "conformsTo": list(FORMATS),
        "name": document.subject.slug,
        "version": f"{document.subject.number}.0.0",
        "description": told(document, "datasheet.1.description"),
        "url": urn(str(document.subject)),
        "datePublished": newest(card),
        "license": _licence(document),
        "identifier": f"sha256:{document.subject.digest}",
        "keywords": ["charter", *(["simulated"] if document.simulated else [])],
        "distribution": list(_files(document)),
        "citeAs": "; ".join(answers(about(document, ["citation"]))),
        **{
            f"rai:{name}": said if name not in ONE else "; ".join(said)
            for name, keys in data("croissant")["rai"].items()
            for said in [answers(about(document, keys))]
        },
    }
    if tags := languages(document):
        description["inLanguage"] = tags
    record = {
        "charter:ledgerSize": document.at.size,
        "charter:ledgerRoot": document.at.root,
        "charter:evidence": document.digest,
        "charter:gaps": [f"{key}: {said}" for key, said in gaps(card).items()],
    }
    return write({**description, **record})


def _licence(document: Document) -> str:
    """The licence's address on the SPDX list, or its name, or the gap."""
    name = known(document, "mixture.1.licence")
    found = identifier(name) if name else None
    return f"{LICENCES}{found}" if found else plain(told(document, "mixture.1.licence"))


def _files(document: Document) -> Iterator[dict[str, Any]]:
    """The files by digest: a card holds neither their names nor where they can be had."""
    number = 1
    while digest := known(document, f"datasheet.1.file_{number}"):
        yield {
            "@type": "cr:FileObject",
            "@id": f"file-{number}",
            "name": f"file-{number}",
            "contentUrl": f"urn:charter:sha256:{digest}",
            "encodingFormat": "application/octet-stream",
            "sha256": digest,
        }
        number += 1
