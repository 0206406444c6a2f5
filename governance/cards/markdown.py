"""A card as Markdown: Hugging Face metadata, the ten sections, and a table of the entries that every value names."""

from collections.abc import Iterable, Iterator, Sequence

from governance.cards import escaping, front_matter
from governance.cards.compose import (
    ASSURANCES,
    KINDS,
    MEANING,
    SIMULATED,
    STATES,
    TABLES,
    Card,
    FilledField,
    FilledSection,
    Group,
    columns_of,
    last_part,
)
from governance.evidence.facts import Absence, Derivation, Document, Fact

UNITLESS = frozenset({None, "1", "share"})


def render(card: Card) -> str:
    """The whole card. The same card gives the same text."""
    parts = [front_matter.render(card), _head(card)]
    parts += [_section(card.document, filled) for filled in card.sections]
    parts.append(_entries(card))
    return "\n".join(parts)


def _head(card: Card) -> str:
    document = card.document
    lines = [f"# {KINDS[card.kind]}: {escaping.text(card.title)}", ""]
    if card.mark:
        lines += [f"**This card is {card.mark}.**", ""]
    if document.simulated:
        lines += [f"**Simulated:** {SIMULATED}", ""]
    lines += [
        f"About {escaping.name(str(document.subject))} with the digest `{document.subject.digest}`,",
        f"as recorded in the first {document.at.size} entries of the ledger, whose root is `{document.at.root}`.",
        "",
        MEANING,
    ]
    return "\n".join([*lines, ""])


def _section(document: Document, filled: FilledSection) -> str:
    lines = [f"## {filled.section.number} {filled.section.title}", ""]
    for field in filled.fields:
        if not field.is_empty:
            lines += _field(document, field)
    if empty := [field for field in filled.fields if field.is_empty]:
        lines += _empty_table(empty)
    return "\n".join(lines)


def _field(document: Document, filled: FilledField) -> list[str]:
    lines = [f"### {filled.field.title}", ""]
    rows = [group for group in filled.groups if group.name and filled.field.key in TABLES]
    lists = [group for group in filled.groups if group not in rows]
    for group in lists:
        lines += _list(document, group)
    if lists:
        lines.append("")
    if rows:
        lines += [*_table(document, rows), ""]
    return lines


def _list(document: Document, group: Group) -> Iterator[str]:
    indent = ""
    if group.name:
        yield f"- **{escaping.text(group.name.replace('_', ' '))}**"
        indent = "  "
    for fact in group.facts:
        yield from _item(document, fact, indent)


def _item(document: Document, fact: Fact, indent: str) -> Iterator[str]:
    label = escaping.text(fact.label)
    if isinstance(fact.value, str) and "\n" in fact.value.strip():
        yield f"{indent}- {label} ({_assurance(fact)}){_footnotes(document, fact)}:"
        yield ""
        yield from (f"{indent}  {line}".rstrip() for line in escaping.block(fact.value).split("\n"))
        yield ""
    else:
        yield f"{indent}- {label}: {_told(document, fact)}"


def _told(document: Document, fact: Fact) -> str:
    """A value with its assurance and its entries, or a gap with its reason."""
    if fact.is_empty:
        return gap_text(fact)
    return f"{shown(fact)} ({_assurance(fact)}){_footnotes(document, fact)}"


def shown(fact: Fact) -> str:
    """A value as people read it, with its unit."""
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    if isinstance(fact.value, tuple):
        return ", ".join(map(escaping.name, fact.value))
    unit = "" if fact.unit in UNITLESS else f" {escaping.text(str(fact.unit))}"
    return f"{escaping.name(str(fact.value))}{unit}"


def gap_text(fact: Fact) -> str:
    """A gap in words: its state, its reason, and who answers for it."""
    assert isinstance(fact.source, Absence)  # noqa: S101 - a gap has no other source
    reason, owner = map(escaping.text, (fact.source.reason, fact.source.owner))
    said = f"*{STATES[fact.state]}*" + (f": {reason}" if reason else "")
    return f"{said} (owner: {owner})" if owner else said


def _assurance(fact: Fact) -> str:
    words = ASSURANCES[fact.assurance] if fact.assurance else ""
    if isinstance(fact.source, Derivation):
        return f"derived by {escaping.text(fact.source.function.replace('_', ' '))}, {words}"
    return words


def _footnotes(document: Document, fact: Fact) -> str:
    return "".join(f"[^e{index}]" for index in document.entries_behind(fact))


def _table(document: Document, rows: Sequence[Group]) -> Iterator[str]:
    columns = columns_of(rows)
    yield _row(["", *map(escaping.text, columns.values()), "assurance"])
    yield _row(["---"] * (len(columns) + 2))
    for row in rows:
        cells = {last_part(fact): _cell(document, fact) for fact in row.facts}
        yield _row(
            [
                escaping.text(row.name),
                *(cells.get(column, "*not recorded*") for column in columns),
                _row_assurance(row),
            ]
        )


def _cell(document: Document, fact: Fact) -> str:
    if fact.is_empty:
        return gap_text(fact)
    value = escaping.short(fact.value) if isinstance(fact.value, str) and fact.unit is None else shown(fact)
    return value + _footnotes(document, fact)


def _row_assurance(row: Group) -> str:
    """One phrase where the whole row shares it, else which columns have which."""
    found: dict[str, list[str]] = {}
    for fact in row.facts:
        if not fact.is_empty:
            found.setdefault(_assurance(fact), []).append(escaping.text(fact.label))
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{', '.join(labels)}: {words}" for words, labels in found.items())


def _empty_table(fields: Iterable[FilledField]) -> Iterator[str]:
    yield _row(["field", "what the record says"])
    yield _row(["---", "---"])
    for filled in fields:
        said = "; ".join(dict.fromkeys(gap_text(fact) for fact in filled.facts))
        yield _row([escaping.text(filled.field.title), said])
    yield ""


def _entries(card: Card) -> str:
    lines = ["## Entries", "", "What the numbers after the values mean: each is an entry of the ledger.", ""]
    lines += [_row(["entry", "object", "operation", "by", "at", "leaf hash"]), _row(["---"] * 6)]
    for entry in card.entries:
        cells = [f"{entry.object_type} {entry.object_id}", entry.op, entry.actor, entry.at]
        lines.append(_row([str(entry.index), *map(escaping.text, cells), escaping.name(entry.leaf_hash)]))
    lines.append("")
    lines += [
        f"[^e{entry.index}]: Entry {entry.index}: {escaping.text(entry.op)}, {escaping.text(entry.at)}, `{entry.leaf_hash}`."
        for entry in card.entries
    ]
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
