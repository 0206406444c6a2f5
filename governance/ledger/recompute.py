"""The facts of an evidence document, each compared with where it says it comes from."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from governance.ledger.canonical import canonical, loads, loads_canonical, sha256_hex
from governance.ledger.opening import HEX

FACT_KEYS = {"key", "label", "value", "unit", "state", "assurance", "source"}
EMPTY_STATES = {"undisclosed", "not_recorded", "not_applicable", "withheld"}
BODY = "body"
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


class Mismatch(ValueError):
    """A fact that is malformed or differs from its source."""


@dataclass(frozen=True)
class Disclosed:
    """What an entry shows: its body, and the payload of each class whose commitment was opened."""

    body: Any
    parts: Mapping[str, Any]


def check_fact(
    fact: Mapping[str, Any],
    facts: Mapping[str, Mapping[str, Any]],
    entries: Mapping[int, Disclosed],
    members: Mapping[str, bytes],
) -> str:
    """How `fact` was checked: "recorded", "recomputed", "not recomputed" or the name of its empty state.

    `facts` are all of the document by key, `entries` the disclosed ones by leaf index, `members` the bundle's.
    Raises Mismatch, or CanonicalError for content that is not JSON.
    """
    state, source = fact["state"], fact["source"]
    if state == "recorded":
        _check_recorded(fact["value"], source, entries, members)
        return "recorded"
    if state == "derived":
        return _check_derived(fact, facts)
    if state not in EMPTY_STATES:
        raise Mismatch(f"{state!r} is no state of a fact")
    if "commitment" in fact:
        _check_commitment(fact)
    if fact["value"] is not None or set(source) != {"reason", "owner"}:
        raise Mismatch("an empty fact has no value, and a reason and an owner as its source")
    return str(state)


def _check_commitment(fact: Mapping[str, Any]) -> None:
    if not isinstance(fact["commitment"], str) or not HEX.fullmatch(fact["commitment"]):
        raise Mismatch("a commitment is 64 lowercase hex digits")


def index_facts(document: Any) -> dict[str, dict[str, Any]]:
    """The document's facts by key. Raises Mismatch when one is malformed or a key appears twice."""
    match document:
        case {"schema": "evidence/1", "subject": dict(), "at": dict(), "facts": list(listed), **rest} if (
            not rest
        ):
            pass
        case _:
            raise Mismatch("an evidence document has exactly schema (evidence/1), subject, at and facts")
    facts: dict[str, dict[str, Any]] = {}
    for fact in listed:
        if (
            not isinstance(fact, dict)
            or set(fact) - {"commitment"} != FACT_KEYS
            or not isinstance(fact["source"], dict)
        ):
            raise Mismatch(f"a fact has exactly {', '.join(sorted(FACT_KEYS))}")
        if "commitment" in fact and fact["state"] != "withheld":
            raise Mismatch(f"the fact {_short(fact['key'])} has a commitment and is not withheld")
        if not isinstance(fact["state"], str) or not isinstance(fact["key"], str) or fact["key"] in facts:
            raise Mismatch(f"the fact {_short(fact['key'])} appears twice, or its key or state is no text")
        facts[fact["key"]] = fact
    return facts


def open_evidence(data: bytes, size: int, root: str) -> dict[str, dict[str, Any]]:
    """The facts of an evidence document by key. Raises Mismatch also when it was collected at another tree."""
    document = loads_canonical(data)
    facts = index_facts(document)
    if document["at"] != {"size": size, "root": root}:
        raise Mismatch("the evidence was collected at another size or root than the checkpoint's")
    return facts


def resolve(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901). Raises Mismatch when there is none."""
    if pointer and not pointer.startswith("/"):
        raise Mismatch(f"{pointer!r} is no JSON pointer")
    value = document
    for token in pointer.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,9}", step) and int(step) < len(value):
            value = value[int(step)]
        else:
            raise Mismatch(f"nothing stands at {pointer!r}")
    return value


def _check_recorded(
    value: Any, source: Mapping[str, Any], entries: Mapping[int, Disclosed], members: Mapping[str, bytes]
) -> None:
    match source:
        case {"entry": int(entry), "class": str(name), "pointer": str(pointer), **rest}:
            found = resolve(_part(entries, entry, name), pointer)
        case _:
            raise Mismatch("a recorded fact's source has entry, class and pointer")
    if rest:
        found = _inside_content(found, rest, members)
    if canonical(found) != canonical(value):
        raise Mismatch(f"the entry says {_short(found)}, the fact {_short(value)}")


def _part(entries: Mapping[int, Disclosed], index: int, name: str) -> Any:
    if index not in entries:
        raise Mismatch(f"entry {index} is not in the bundle")
    if name == BODY:
        return entries[index].body
    if name not in entries[index].parts:
        raise Mismatch(f"class {name!r} of entry {index} is not disclosed")
    return entries[index].parts[name]


def _inside_content(digest: Any, rest: Mapping[str, Any], members: Mapping[str, bytes]) -> Any:
    match rest:
        case {"content": str(member), "at": str(pointer), **more} if not more:
            pass
        case _:
            raise Mismatch("a fact inside content names the member and, with at, the place in it")
    if member != f"content/{digest}.json" or member not in members:
        raise Mismatch(f"the entry speaks of the content {_short(digest)}, which {member!r} is not")
    if sha256_hex(members[member]) != digest:
        raise Mismatch(f"{member!r} does not have the digest in its name")
    return resolve(loads(members[member]), pointer)


def _check_derived(fact: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]) -> str:
    match fact["source"]:
        case {"function": str(function), "inputs": list(inputs), **rest} if not rest:
            pass
        case _:
            raise Mismatch("a derived fact's source has exactly function and inputs")
    _refuse_circle(fact["key"], facts)
    values = [facts[key]["value"] for key in inputs]
    if function not in FUNCTIONS:
        return "not recomputed"
    if any(facts[key]["state"] in EMPTY_STATES for key in inputs):
        raise Mismatch(f"{function} of a fact that is empty")
    FUNCTIONS[function](fact["value"], values)
    return "recomputed"


def _refuse_circle(start: str, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """A fact must not be derived, over however many steps, from itself: it would prove nothing."""
    seen: set[str] = set()
    waiting = _inputs(facts[start])
    while waiting:
        key = waiting.pop()
        if key == start:
            raise Mismatch("the fact is derived from itself")
        if key not in facts:
            raise Mismatch(f"the input {_short(key)} is not in the document")
        if key not in seen:
            seen.add(key)
            waiting.extend(_inputs(facts[key]))


def _inputs(fact: Mapping[str, Any]) -> list[str]:
    inputs = fact["source"].get("inputs", []) if fact["state"] == "derived" else []
    if not isinstance(inputs, list) or not all(isinstance(key, str) for key in inputs):
        raise Mismatch("inputs are a list of the keys of facts")
    return list(inputs)


def _count(value: Any, inputs: Sequence[Any]) -> None:
    """Of one list or object: its length; otherwise how many inputs there are."""
    single = inputs[0] if len(inputs) == 1 and isinstance(inputs[0], list | dict) else inputs
    _require_exactly(value, Fraction(len(single)))


def _sum(value: Any, inputs: Sequence[Any]) -> None:
    """Of all inputs; of a list, its items."""
    items = [item for part in inputs for item in (part if isinstance(part, list) else [part])]
    _require_exactly(value, sum(map(_number, items), Fraction(0)))


def _ratio(value: Any, inputs: Sequence[Any]) -> None:
    """First input over second, as printed."""
    over, under = _pair(inputs)
    if not under:
        raise Mismatch("a ratio over zero")
    _require_printed(value, over / under)


def _difference(value: Any, inputs: Sequence[Any]) -> None:
    """First input less second, as printed."""
    first, second = _pair(inputs)
    _require_printed(value, first - second)


def _pair(inputs: Sequence[Any]) -> tuple[Fraction, Fraction]:
    if len(inputs) != 2:
        raise Mismatch(f"two inputs are needed, not {len(inputs)}")
    return _number(inputs[0]), _number(inputs[1])


def _require_exactly(value: Any, result: Fraction) -> None:
    if _number(value) != result:
        raise Mismatch(f"recomputed {result}, the fact says {_short(value)}")


def _require_printed(value: Any, result: Fraction) -> None:
    """Equal at the number of decimals that the fact prints, whichever way halves were rounded."""
    printed = _number(value)
    places = len(str(value).partition(".")[2])
    if abs(printed - result) * 2 * 10**places > 1:
        shown = Decimal(result.numerator) / Decimal(result.denominator)
        raise Mismatch(f"recomputed {shown:.6g}, the fact says {_short(value)}")


def _number(value: Any) -> Fraction:
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, str) and len(value) < 1000 and _DECIMAL.fullmatch(value):
        return Fraction(value)
    raise Mismatch(f"{_short(value)} is no number")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


FUNCTIONS: dict[str, Callable[[Any, Sequence[Any]], None]] = {
    "count": _count,
    "sum": _sum,
    "ratio": _ratio,
    "difference": _difference,
}
