"""Collect: all that is recorded about one version at one size of the ledger, as one frozen document."""

from collections.abc import Iterable, Iterator

from governance.evidence import cited, providers
from governance.evidence.build import derived, gap, withheld
from governance.evidence.completeness import public_share
from governance.evidence.facts import Document, Fact, Pointer, Subject, TreeSize
from governance.evidence.schema import FIELDS, ROOTS
from governance.evidence.view import View
from governance.ledger import tiles
from governance.ledger.models import Head
from governance.ledger.tiling import root
from governance.registry.models import Version


class NoSuchSize(ValueError):
    """The ledger does not have that many entries."""


def collect(version: Version, at: int | None = None) -> Document:
    """The evidence about `version` in the first `at` entries of the ledger (default: all that are sequenced).

    The same version and size give the same bytes. Raises NoSuchSize, NotThen for a version that was not sealed by then,
    Inconsistent when the database does not hold what the ledger recorded.
    """
    size = _size(at)
    head = TreeSize(size=size, root=root(tiles.cached(), size).hex())
    view = View(version, size)
    state = view.subject.record.state
    facts = _gathered(view)
    facts += _snapshot(head, facts)
    facts += _unfilled(view, facts)
    facts.append(public_share(facts))
    subject = Subject(kind=state["kind"], slug=state["slug"], number=state["number"], digest=state["digest"])
    return Document(subject=subject, at=head, facts=tuple(sorted(facts, key=lambda fact: fact.key)))


def _size(at: int | None) -> int:
    size = Head.objects.get().size
    if at is not None and not 0 <= at <= size:
        raise NoSuchSize(
            f"The ledger has {size} entries in their place, not {at}; give a size from 0 to {size}."
        )
    return size if at is None else at


def _gathered(view: View) -> list[Fact]:
    """What all providers say. A value beats a gap with the same key; two values with one key are refused by the document."""
    chosen: dict[str, Fact] = {}
    extra: list[Fact] = []
    for name, provider in providers.registered().items():
        for fact in provider(view):
            if fact.field not in ROOTS:
                raise ValueError(
                    f"{name} gives the fact {fact.key}, which belongs to no field of the card schema"
                )
            other = chosen.setdefault(fact.key, fact)
            if other is not fact and other.is_empty:
                chosen[fact.key] = fact
            elif other is not fact and not fact.is_empty:
                extra.append(fact)
    return [*chosen.values(), *extra]


def _snapshot(head: TreeSize, facts: Iterable[Fact]) -> Iterator[Fact]:
    yield derived("card_snapshot.size", "entries in the ledger", "ledger_head", [], head.size, "entries")
    yield derived("card_snapshot.root", "root of the ledger", "ledger_head", [], head.root)
    yield from _simulated(facts)


def _simulated(facts: Iterable[Fact]) -> Iterator[Fact]:
    indices = {fact.source.entry for fact in facts if isinstance(fact.source, Pointer)}
    played = next((entry for entry in cited.entries(indices) if cited.is_demo(entry)), None)
    by: list[Fact] = []
    if played:
        source = Pointer(entry=played.index, cls="body", pointer="/actor")
        label = "played, not done, by"
        by = [
            Fact(
                key="card_snapshot.simulated_by", label=label, value=played.actor, state="recorded",
                assurance="observed", source=source,
            )
        ]  # fmt: skip
    yield from by
    yield derived("card_snapshot.simulated", "simulated", "marked_demo", by, bool(by))


def _unfilled(view: View, facts: Iterable[Fact]) -> Iterator[Fact]:
    """Every field of the card schema that nothing was said about, with the reason."""
    told, kind = {ROOTS[fact.field].key for fact in facts}, view.version.kind
    for field in FIELDS.values():
        if field.key in told:
            continue
        if kind in field.subjects and view.subject.erased:
            yield withheld(field.key, field.title, view.subject)
        elif kind in field.subjects:
            yield gap(field.key, field.title, "not_recorded", "No record holds it.")
        else:
            kinds = " or a ".join(field.subjects)
            yield gap(
                field.key, field.title, "not_applicable", f"It describes a {kinds}, and this is a {kind}."
            )
