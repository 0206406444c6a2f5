"""Making facts: each takes the value from where it points, so that value and source cannot differ."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from governance.evidence.facts import Absence, Assurance, Derivation, Fact, Pointer, State, Value, weakest
from governance.evidence.records import Recorded, Sealed
from governance.registry import states

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")
NUMBER = "1"
"""Unit of a figure without dimension."""


def recorded(
    key: str, label: str, record: Recorded, pointer: str, *, assurance: Assurance, unit: str | None = None
) -> Iterator[Fact]:
    """The value at `pointer` in the record's payload; nothing where there is none.

    `unit` is needed for fractions, which stand there as decimal text.
    """
    value = valued(resolve(record.payload, pointer))
    if value is not None:
        source = Pointer(entry=record.entry_index, cls=record.cls, pointer=pointer)
        yield Fact(
            key=key, label=label, value=value, unit=unit, state="recorded", assurance=assurance, source=source
        )


def from_body(key: str, label: str, record: Recorded, name: str) -> Fact:
    """A field of the entry's own body: `actor`, `at` or `op`, which Charter wrote."""
    source = Pointer(entry=record.entry_index, cls="body", pointer=f"/{name}")
    return Fact(
        key=key,
        label=label,
        value=getattr(record, name),
        state="recorded",
        assurance="observed",
        source=source,
    )


def in_content(
    key: str,
    label: str,
    sealed: Sealed,
    at: str,
    *,
    assurance: Assurance = "asserted",
    unit: str | None = None,
) -> Iterator[Fact]:
    """The value at `at` (JSON pointer) in a version's content; nothing where it is empty, a withheld fact where it is not shown.

    Of an erased version nobody knows any more whether it was empty, so it is withheld.
    """
    if sealed.erased:
        yield withheld(key, label, sealed)
        return
    if valued(resolve(sealed.content, at)) is None:
        return
    found = next(
        (shown for shown in sealed.shown.values() if valued(resolve(shown[1], at)) is not None), None
    )
    if found is None:
        yield withheld(key, label, sealed)
        return
    record, content = found
    value = valued(resolve(content, at))
    source = Pointer(
        entry=record.entry_index,
        cls=record.cls,
        pointer="/state/disclosed_digest",
        content=f"content/{record.state['disclosed_digest']}.json",
        at=f"/content{at}",
    )
    yield Fact(
        key=key, label=label, value=value, unit=unit, state="recorded", assurance=assurance, source=source
    )


def derived(
    key: str, label: str, function: str, inputs: Sequence[Fact], value: Value, unit: str | None = None
) -> Fact:
    """A value computed from other facts; as sure as the least sure of them."""
    source = Derivation(function=function, inputs=tuple(fact.key for fact in inputs))
    return Fact(
        key=key,
        label=label,
        value=value,
        unit=unit,
        state="derived",
        assurance=weakest(inputs),
        source=source,
    )


def count_withdrawn(key: str, label: str, standing: Iterable[Fact], unit: str) -> Fact:
    """How many of these facts, each the state of a version, say that nobody may use it any more."""
    withdrawn = [fact for fact in standing if fact.value in states.WITHDRAWN]
    return derived(key, label, "count", withdrawn, len(withdrawn), unit)


def gap(key: str, label: str, state: State, reason: str, owner: str = "") -> Fact:
    """A fact without a value, and why."""
    return Fact(
        key=key,
        label=label,
        value=None,
        state=state,
        assurance=None,
        source=Absence(reason=reason, owner=owner),
    )


def withheld(key: str, label: str, sealed: Sealed) -> Fact:
    """What a version holds and does not show."""
    if sealed.erased:
        return gap(key, label, "withheld", sealed.why_erased, sealed.owner)
    restricted = sealed.disclosed is None
    reason = (
        f"{sealed.subject} is restricted." if restricted else f"It is marked internal in {sealed.subject}."
    )
    return gap(key, label, "withheld", reason, sealed.owner)


def resolve(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901), None where nothing stands."""
    value = document
    for token in pointer.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def valued(found: Any) -> Value | None:
    """`found` as the value of a fact: text, whole number, truth or list of texts; None when it is empty or anything else."""
    if isinstance(found, list) and found and all(isinstance(item, str) for item in found):
        return tuple(found)
    return found if isinstance(found, bool | int) or (isinstance(found, str) and found) else None


def unit_of(value: Any) -> str | None:
    """The unit of a parameter whose meaning is unknown: a decimal is a plain number, all else has none."""
    return NUMBER if isinstance(value, str) and _DECIMAL.fullmatch(value) else None


def scalars(found: Any, pointer: str = "", name: str = "") -> Iterator[tuple[str, str, Any]]:
    """(name, pointer, value) of everything inside `found` that can be a fact's value; names join with `_`."""
    if valued(found) is not None:
        yield name, pointer, found
    elif isinstance(found, dict | list):
        items = found.items() if isinstance(found, dict) else enumerate(found)
        for step, item in items:
            token = str(step).replace("~", "~0").replace("/", "~1")
            yield from scalars(
                item, f"{pointer}/{token}", f"{name}_{word(str(step))}" if name else word(str(step))
            )


def word(text: str) -> str:
    """`text` as one part of a key."""
    return _STRANGE.sub("_", text).strip("_") or "_"


def human(name: str) -> str:
    """A name such as `learning_rate` as people write it."""
    return name.replace("_", " ")
