"""Every rendering of a card by name: what it is, its media type, and the kinds of card that it fits."""

from collections.abc import Callable
from dataclasses import dataclass

from governance.cards import (
    as_html,
    as_json,
    coverage,
    croissant,
    cyclonedx,
    eu_mdf,
    fmti,
    markdown,
    pdf,
    prov,
    slsa,
    spdx,
    training_summary,
)
from governance.cards.compose import KINDS, Card, NoCard

MARKDOWN = "text/markdown; charset=utf-8"
MODELS = frozenset({"model", "system"})
DATA = frozenset({"datasheet"})


@dataclass(frozen=True)
class Format:
    title: str
    media_type: str
    suffix: str
    """End of the name of a file that holds it."""
    render: Callable[[Card], bytes]
    fits: frozenset[str] = frozenset(KINDS)
    """Kinds of card."""
    is_text: bool = True
    """Whether a terminal can show it."""
    marked: bool = False
    """Whether its head says whom it is for; only then may that be others than everybody."""


FORMATS: dict[str, Format] = {
    "md": Format("Markdown", MARKDOWN, "md", lambda card: markdown.render(card).encode(), marked=True),
    "json": Format("JSON", "application/json", "json", as_json.render, marked=True),
    "html": Format("HTML file", "text/html; charset=utf-8", "html", as_html.render, marked=True),
    "pdf": Format("PDF document", "application/pdf", "pdf", pdf.render, is_text=False, marked=True),
    "cyclonedx": Format("CycloneDX 1.6", "application/vnd.cyclonedx+json", "cdx.json", cyclonedx.render),
    "spdx": Format("SPDX 3.0.1", "application/spdx+json", "spdx.json", spdx.render),
    "croissant": Format("Croissant 1.0", "application/ld+json", "croissant.json", croissant.render, DATA),
    "prov": Format("W3C PROV", "application/provenance+json", "prov.json", prov.render),
    "slsa": Format("SLSA provenance", "application/vnd.in-toto+json", "slsa.json", slsa.render, MODELS),
    "eu-mdf": Format("EU Model Documentation Form", MARKDOWN, "eu-mdf.md", eu_mdf.render, MODELS),
    "training-summary": Format(
        "EU summary of training content", MARKDOWN, "training-summary.md", training_summary.render, MODELS
    ),
    "fmti": Format("FMTI self-report", "text/csv; charset=utf-8", "fmti.csv", fmti.render, MODELS),
    "coverage": Format("Coverage of standards", MARKDOWN, "coverage.md", coverage.render),
}
"""Name, as commands and addresses write it → rendering."""


def fitting(kind: str) -> dict[str, Format]:
    """The formats of a kind of card."""
    return {name: one for name, one in FORMATS.items() if kind in one.fits}


def rendered(card: Card, name: str) -> bytes:
    """The card in one format. Raises NoCard, saying what fits, for one that this kind of card, or this audience, cannot have."""
    if card.kind not in FORMATS[name].fits:
        kinds = " or ".join(KINDS[kind].lower() for kind in sorted(FORMATS[name].fits))
        others = ", ".join(fitting(card.kind))
        raise NoCard(
            f"The format {name} is of a {kinds}, and that of {card.document.subject} is a {KINDS[card.kind].lower()};"
            f" its formats are {others}."
        )
    if card.mark and not FORMATS[name].marked:
        marked = ", ".join(name for name, one in FORMATS.items() if one.marked)
        raise NoCard(
            f"The format {name} has no place that says that a card is {card.mark}; write one of {marked}."
        )
    return FORMATS[name].render(card)
