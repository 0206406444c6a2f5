"""Evidence, put in the order of the card schema: what every rendering shows, before it is text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.cards.audience import MARKS, PUBLIC, shown_to
from governance.cards.commitments import secret_of
from governance.evidence.cited import CitedEntry, entries
from governance.evidence.collect import collect
from governance.evidence.facts import Assurance, Document, Fact, State
from governance.evidence.schema import Field, Section, sections
from governance.registry.models import Version

KINDS = {"model": "Model card", "system": "System card", "datasheet": "Datasheet"}
KIND_OF = {"model": "model", "release": "system", "dataset": "datasheet"}
"""Kind of a subject → kind of the card that is written about it when nobody says which."""
STATES: dict[State, str] = {
    "undisclosed": "undisclosed by upstream",
    "not_recorded": "not recorded",
    "not_applicable": "not applicable",
    "withheld": "withheld",
}
ASSURANCES: dict[Assurance, str] = {
    "observed": "observed by Charter",
    "reported": "reported by the job",
    "imported": "imported",
    "asserted": "asserted by a person",
    "attested": "attested by a third party",
}
SIMULATED = "made for a demonstration: the people named here are invented, the computations are real."
TABLES = frozenset(
    {
        "results",
        "refusal_results",
        "comparison",
        "mixture",
        "dependencies",
        "suites",
        "licence",
        "reward_specs",
    }
)
"""Fields whose groups are rows of one table; the groups of all others are lists."""
MEANING = (
    "Every value names the ledger entry that it rests on. That shows what was recorded then and not changed since,"
    " never that it is true; how sure a value is stands beside it."
)


class NoCard(ValueError):
    """A kind of card that the subject cannot have. The message says which it can."""


@dataclass(frozen=True)
class Group:
    """Facts that describe one thing, such as one dataset or one task; `name` is empty for the field itself."""

    name: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class FilledField:
    field: Field
    groups: tuple[Group, ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(fact for group in self.groups for fact in group.facts)

    @property
    def is_empty(self) -> bool:
        return all(fact.is_empty for fact in self.facts)


@dataclass(frozen=True)
class FilledSection:
    section: Section
    fields: tuple[FilledField, ...]


@dataclass(frozen=True)
class Card:
    """One card: its kind, the evidence as its readers may see it, the same in order, and the entries behind it."""

    kind: str
    document: Document
    sections: tuple[FilledSection, ...]
    entries: tuple[CitedEntry, ...]
    audience: str = PUBLIC

    @property
    def mark(self) -> str:
        """Whom it is for, in words; empty where that is everybody."""
        return MARKS.get(self.audience, "")

    @property
    def title(self) -> str:
        named = self.document.get("model_name")
        return str(named.value) if named and named.value is not None else str(self.document.subject)


def card_of(version: Version, size: int, *, kind: str | None = None, audience: str = PUBLIC) -> Card:
    """The card about `version` in the first `size` entries of the ledger.

    `kind` is one of KINDS (default: the one of the subject's kind). Raises NoCard, and what `collect` raises.
    """
    kind = kind or KIND_OF.get(version.kind)
    wanted = {"system": ("release",), "model": ("model", "release"), "datasheet": ("dataset",)}.get(
        kind or "", ()
    )
    if version.kind not in wanted:
        raise NoCard(_no_card(version, kind))
    document = shown_to(collect(version, size), audience, secret_of(version))
    return compose(document, kind or "", entries(cited_by(document)), audience)


def compose(document: Document, kind: str, cited: Sequence[CitedEntry], audience: str = PUBLIC) -> Card:
    """The card over a document as its readers may see it (pure)."""
    filled = tuple(
        FilledSection(
            section, tuple(FilledField(field, _groups(document, field)) for field in section.fields)
        )
        for section in sections()
    )
    return Card(kind, document, filled, tuple(cited), audience)


def cited_by(document: Document) -> list[int]:
    """Leaf indices of all entries that facts of the document rest on."""
    return sorted({index for fact in document.facts for index in document.entries_behind(fact)})


def columns_of(rows: Sequence[Group]) -> dict[str, str]:
    """Columns of a table whose rows are these groups: last part of the keys → label."""
    return {last_part(fact): fact.label for row in rows for fact in row.facts}


def last_part(fact: Fact) -> str:
    """What tells a fact from the others of its group."""
    return fact.key.split(".", 2)[2]


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key that puts `mixture.2` before `mixture.10`."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _groups(document: Document, field: Field) -> tuple[Group, ...]:
    found: dict[str, list[Fact]] = {}
    for root in (field.key, *field.also):
        for fact in document.within(root):
            found.setdefault(_group_of(fact), []).append(fact)
    return tuple(Group(name, tuple(sorted(found[name], key=_rank))) for name in sorted(found, key=natural))


def _group_of(fact: Fact) -> str:
    parts = fact.key.split(".")
    return parts[1] if len(parts) > 2 else ""


FIRST = (
    "label", "task", "dataset", "subject", "of", "title", "path", "text", "role", "method", "metric", "score", "estimate",
    "difference", "ci_low", "ci_high", "n", "rows", "share", "licence",
)  # fmt: skip
"""Last parts of keys that come first in their group, in this order."""


def _rank(fact: Fact) -> tuple[int, list[tuple[int, int, str]]]:
    last = fact.key.rpartition(".")[2]
    return (FIRST.index(last) if last in FIRST else len(FIRST), natural(fact.key))


def _no_card(version: Version, kind: str | None) -> str:
    if version.kind not in KIND_OF:
        return (
            f"{version.subject} is a {version.kind}; cards are written about models, releases and datasets."
        )
    fitting = "model or system" if version.kind == "release" else KIND_OF[version.kind]
    return f"A {version.kind} has no {kind} card; write --kind {fitting}."
