"""What the renderings for other standards share: a card's values and gaps in words, its things by digest, JSON that stays inert."""

import json
import re
import uuid
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice, takewhile
from typing import Any

from governance.cards.compose import STATES, Card, FilledField, last_part, natural
from governance.cards.escaping import visible
from governance.evidence.facts import Absence, Document, Fact
from governance.evidence.schema import FIELDS, ROOTS

SUBJECT = re.compile(r"[a-z-]+:[a-z0-9][a-z0-9._-]*@[0-9]+")
SHA256 = re.compile(r"[0-9a-f]{64}")
NAMED = ("subject", "dataset", "guideline", "pool")
"""Last parts of keys whose value is a version; its digest stands beside it under `digest`."""
UNITLESS = frozenset({None, "1", "share"})
NOTHING = "not recorded: No record holds it."
EPOCH = "1970-01-01T00:00:00Z"
INERT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""How characters that HTML could act on are written inside JSON."""

Row = dict[str, Fact]
"""Last part of the key → fact, for the facts that describe one thing."""


def words(fact: Fact) -> str:
    """A value with its unit, or a gap with its state, reason and owner; on one line unless the value has several."""
    if isinstance(fact.source, Absence):
        owner = f" (owner: {fact.source.owner})" if fact.source.owner else ""
        return (
            f"{STATES[fact.state]}: {fact.source.reason}{owner}" if fact.source.reason else STATES[fact.state]
        )
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    if isinstance(fact.value, tuple):
        return ", ".join(fact.value)
    return f"{fact.value}" if fact.unit in UNITLESS else f"{fact.value} {fact.unit}"


def labelled(fact: Fact) -> str:
    """As `words`, after what it says and about which of several things; a gap after the title of its field."""
    if fact.is_empty:
        return f"{ROOTS[fact.field].title}: {words(fact)}"
    parts = fact.key.split(".")
    of = f"{parts[1].replace('_', ' ')}, " if len(parts) > 2 else ""
    return f"{of}{fact.label}: {words(fact)}"


def known(document: Document, key: str) -> str | None:
    """The value of one fact in words; None for a gap and where nothing was said."""
    fact = document.get(key)
    return words(fact) if fact and not fact.is_empty else None


def told(document: Document, key: str) -> str:
    """The value of one fact in words, or the gap that stands in its place or in the place of its whole field."""
    fact = document.get(key) or document.get(key.partition(".")[0])
    return words(fact) if fact and (fact.key == key or fact.is_empty) else NOTHING


def about(document: Document, keys: Iterable[str]) -> list[Fact]:
    """The facts with these keys or below them: values in natural order, then gaps, each that reads alike once.

    `*` stands for one part of a key. A key whose field is empty as a whole gives that field's gaps.
    """
    found: dict[str, Fact] = {}
    for key in keys:
        within = [fact for fact in _beginning(document, key) if _below(key).fullmatch(fact.key)]
        root = key.partition(".")[0]
        of_field = [fact for name in (root, *FIELDS[root].also) for fact in within_field(document, name)]
        if not within and all(fact.is_empty for fact in of_field):
            within = of_field
        found |= {fact.key: fact for fact in sorted(within, key=lambda fact: natural(fact.key))}
    values = [fact for fact in found.values() if not fact.is_empty]
    return values + list({labelled(fact): fact for fact in found.values() if fact.is_empty}.values())


def within_field(document: Document, root: str) -> list[Fact]:
    """As `Document.within`, without a look at all the other facts."""
    return [fact for fact in _beginning(document, root) if fact.field == root]


def _beginning(document: Document, key: str) -> Iterator[Fact]:
    """The facts whose keys begin as `key` does before its first `*`; they stand together, since facts are sorted."""
    stem = key.partition("*")[0]
    start = bisect_left(document.facts, stem, key=lambda fact: fact.key)
    return takewhile(lambda fact: fact.key.startswith(stem), islice(document.facts, start, None))


@cache
def _below(key: str) -> re.Pattern[str]:
    return re.compile(re.escape(key).replace(r"\*", "[^.]+") + r"(\..+)?")


def answers(facts: Sequence[Fact]) -> list[str]:
    """What `about` found, line by line, each with its label unless it is one gap; never nothing."""
    if len(facts) == 1 and facts[0].is_empty:
        return [words(facts[0])]
    return [labelled(fact) for fact in facts] or [NOTHING]


def rows(document: Document, field: str) -> Iterator[tuple[str, Row]]:
    """(name, facts) of each thing that a field describes, such as `mixture.1`, in natural order."""
    groups: dict[str, Row] = {}
    for fact in within_field(document, field):
        if fact.key.count(".") > 1:
            groups.setdefault(fact.key.split(".")[1], {})[last_part(fact)] = fact
    for name in sorted(groups, key=natural):
        yield name, groups[name]


def value(row: Row, name: str) -> str | None:
    """One value of a row in words; None for a gap and where nothing was said."""
    fact = row.get(name)
    return words(fact) if fact and not fact.is_empty else None


def fields(card: Card) -> Iterator[FilledField]:
    """The fields of all sections."""
    for section in card.sections:
        yield from section.fields


def gaps(card: Card) -> dict[str, str]:
    """Key of each field without any value → its state and reason."""
    return {
        filled.field.key: "; ".join(dict.fromkeys(map(words, filled.facts))) or NOTHING
        for filled in fields(card)
        if filled.is_empty
    }


def digests(document: Document) -> dict[str, str]:
    """Every version that the card names → its digest, empty where the card does not hold it."""
    found: dict[str, str] = {}
    for fact in document.facts:
        if not fact.is_empty and isinstance(fact.value, str) and SUBJECT.fullmatch(fact.value):
            stem, _, last = fact.key.rpartition(".")
            beside = document.get(f"{stem}.digest") if last in NAMED else None
            digest = str(beside.value) if beside and beside.value else ""
            found[fact.value] = found.get(fact.value) or digest
    model = known(document, "model_name.model")
    if model and (own := known(document, "post_training_version.digest")):
        found[model] = own
    return {**found, str(document.subject): document.subject.digest}


def model_of(document: Document) -> str:
    """The model that the card is about: its subject, or the one that a release ships."""
    return known(document, "model_name.model") or str(document.subject)


def newest(card: Card) -> str:
    """When the newest entry that the card names was made: the time of a rendering is the ledger's, never the clock's."""
    return max((entry.at for entry in card.entries), default=EPOCH)


def urn(subject: str) -> str:
    """A name for a version that is the same everywhere and resolves nowhere."""
    return f"urn:charter:{subject.replace('@', ':')}"


def serial(card: Card, purpose: str) -> str:
    """A UUID that the evidence alone decides."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:charter:{purpose}:{card.kind}:{card.document.digest}"))


def write(plain: Any) -> bytes:
    """`plain` as JSON: sorted, indented, with nothing inside its texts that HTML or a reader's eye could be led by."""
    text = json.dumps(_visible(plain), ensure_ascii=False, sort_keys=True, indent=2)
    for character, written in INERT.items():
        text = text.replace(character, written)
    return f"{text}\n".encode()


def _visible(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {key: _visible(item) for key, item in plain.items()}
    if isinstance(plain, list | tuple):
        return [_visible(item) for item in plain]
    return visible(plain) if isinstance(plain, str) else plain
