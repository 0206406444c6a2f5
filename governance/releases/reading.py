"""What rules read of one evidence document: each set of keys is looked up once, however many rules share it (pure)."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from governance.evidence.facts import Document, Fact
from governance.registry.kinds.release_policy import Rule
from governance.releases.rules import ANY, DECISION, is_pattern, matches

MISSING = "missing"
"""State, in a report, of a key that the evidence does not have."""

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Read:
    """What rules with these keys see."""

    facts: Mapping[str, Fact | None]
    """Each key with its fact, in alphabetical order; None for a key that the evidence does not have."""
    values: Mapping[str, Any]
    """Of those that have one, as CEL compares them."""
    states: Mapping[str, str]
    unmatched: tuple[str, ...]
    """Patterns that no key fits."""
    fault: str
    """Why no rule can be judged by these facts; empty where nothing is wrong with them."""

    def empty(self, *keys: str) -> str:
        """Which of these keys (without any: of all) are missing or empty, in words; empty when all have values."""
        return ", ".join(
            f"{key} is {fact.state.replace('_', ' ') if fact else 'not in the evidence'}"
            for key in keys or self.facts
            if (fact := self.facts.get(key)) is None or fact.is_empty
        )


class Reader:
    """The facts of one document, without those that tell what was decided.

    A rule that reads both a field and what stands below it (`instructions` and `instructions.*`) can be judged when either
    is there: the field itself is in the evidence where nothing below it is, and says why.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._facts = [fact for fact in document.facts if fact.field != DECISION]
        self._keys = [fact.key for fact in self._facts]
        self._below: dict[str, list[Fact]] = {}
        self._read: dict[tuple[str, ...], Read] = {}
        self._shown: dict[str, dict[str, Any]] = {}

    def read(self, rule: Rule) -> Read:
        """What the rule sees; the same object for every rule that reads the same keys."""
        reads = tuple(rule.reads)
        if reads not in self._read:
            self._read[reads] = self._made(reads)
        return self._read[reads]

    def shown(self, key: str, fact: Fact | None) -> dict[str, Any]:
        """A fact as a report prints it: with what it rests on, so that every figure can be followed to its entry."""
        if key not in self._shown:
            self._shown[key] = _missing(key) if fact is None else self._told(fact)
        return self._shown[key]

    def _told(self, fact: Fact) -> dict[str, Any]:
        value = list(fact.value) if isinstance(fact.value, tuple) else fact.value
        return {
            "key": fact.key,
            "label": fact.label,
            "value": value,
            "unit": fact.unit,
            "state": fact.state,
            "assurance": fact.assurance,
            "entries": self._document.entries_behind(fact),
        }

    def _made(self, reads: tuple[str, ...]) -> Read:
        fitting = {read: self._fitting(read) for read in reads if is_pattern(read)}
        exact = {read: self._exact(read) for read in reads if not is_pattern(read)}
        matched = {_root(read) for read, below in fitting.items() if below}
        found = {key: fact for key, fact in exact.items() if fact is not None or key not in matched}
        found |= {fact.key: fact for below in fitting.values() for fact in below}
        unmatched = [read for read, below in fitting.items() if not below and exact.get(_root(read)) is None]
        facts = dict(sorted(found.items()))
        values, fault = _values(facts)
        states = {key: fact.state for key, fact in facts.items() if fact is not None}
        return Read(facts, values, states, tuple(unmatched), fault)

    def _exact(self, key: str) -> Fact | None:
        place = bisect_left(self._keys, key)
        return self._facts[place] if place < len(self._keys) and self._keys[place] == key else None

    def _fitting(self, pattern: str) -> list[Fact]:
        """The facts whose keys fit; those that share its beginning stand together."""
        if pattern not in self._below:
            beginning = pattern.partition(ANY)[0]
            self._below[pattern] = [
                fact for fact in self._beginning_with(beginning) if matches(pattern, fact.key)
            ]
        return self._below[pattern]

    def _beginning_with(self, text: str) -> Iterator[Fact]:
        for place in range(bisect_left(self._keys, text), len(self._keys)):
            if not self._keys[place].startswith(text):
                return
            yield self._facts[place]


def _root(pattern: str) -> str:
    """What stands before a pattern's first wildcard: `results` of `results.*.n`."""
    return pattern.partition(f".{ANY}")[0]


def _values(facts: Mapping[str, Fact | None]) -> tuple[dict[str, Any], str]:
    """The values as CEL compares them, and what is wrong with the first that cannot be compared."""
    values, fault = {}, ""
    for key, fact in facts.items():
        if fact is not None and not fact.is_empty:
            try:
                values[key] = typed(fact)
            except ValueError:
                fault = fault or f"{key} has the unit {fact.unit}, but {fact.value!r} is no number."
    return values, fault


def typed(fact: Fact) -> Any:
    """The fact's value as CEL compares it: a decimal with a unit as double, a count as int, the rest as it is.

    Raises ValueError for a value with a unit that is no number.
    """
    return _typed(fact.value, number=fact.unit is not None)


def _typed(value: Any, *, number: bool) -> Any:
    if isinstance(value, tuple):
        return [_typed(item, number=number) for item in value]
    if not (number and isinstance(value, str)):
        return value
    if not _DECIMAL.fullmatch(value):
        raise ValueError(value)
    return float(value)


def _missing(key: str) -> dict[str, Any]:
    return {
        "key": key,
        "label": key,
        "value": None,
        "unit": None,
        "state": MISSING,
        "assurance": None,
        "entries": [],
    }
