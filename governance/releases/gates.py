"""Gate: a release policy's rules over one frozen evidence document. The same document and policy give the same bytes."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.evidence.facts import Document, Fact
from governance.ledger.canonical import canonical
from governance.registry.kinds import release_policy
from governance.registry.kinds.base import digest_of, plain
from governance.registry.kinds.release_policy import Content, Rule
from governance.releases import cel
from governance.releases.cel import PASSED, REFUSED, UNDECIDED, Outcome, Question
from governance.releases.rules import BLOCK, WILDCARD, matches, undeclared

MISSING = "missing"
"""State, in a report, of a key that the evidence does not have."""

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class RuleResult:
    """What became of one rule. `reason` says why it is undecided; `facts` are the ones that it read, for people."""

    rule: Rule
    verdict: str
    reason: str
    facts: tuple[dict[str, Any], ...]

    def record(self) -> dict[str, Any]:
        """The result with the rule's own words, in the canonical subset."""
        return {
            "id": self.rule.id,
            "title": self.rule.title,
            "severity": self.rule.severity,
            "standard": self.rule.standard,
            "verdict": self.verdict,
            "reason": self.reason,
            "message": self.rule.message,
            "expression": self.rule.expression,
            "facts": list(self.facts),
        }


@dataclass(frozen=True)
class Report:
    """The gate's answer: every rule's verdict, and theirs together."""

    document: Document
    policy: Content
    rules: tuple[RuleResult, ...]

    @property
    def verdict(self) -> str:
        """`refused` if a blocking rule is refused, else `undecided` if one is undecided or none exists, else `passed`."""
        blocking = {result.verdict for result in self.rules if result.rule.severity == BLOCK}
        if REFUSED in blocking:
            return REFUSED
        return PASSED if blocking == {PASSED} else UNDECIDED

    @property
    def counts(self) -> dict[str, int]:
        """Verdict → number of rules, warnings included."""
        found = Counter(result.verdict for result in self.rules)
        return {verdict: found[verdict] for verdict in (PASSED, REFUSED, UNDECIDED)}

    def record(self) -> dict[str, Any]:
        """The whole report in the canonical subset."""
        return {
            "schema": "gate-report/1",
            "subject": self.document.subject.model_dump(),
            "evidence": {**self.document.at.model_dump(), "digest": self.document.digest},
            "policy": {"title": self.policy.title, "digest": policy_digest(self.policy)},
            "verdict": self.verdict,
            "counts": self.counts,
            "rules": [result.record() for result in self.rules],
        }

    def canonical(self) -> bytes:
        """The canonical bytes of `record()`."""
        return canonical(self.record())


Read = Mapping[str, Fact | None]


class _Unanswerable(Exception):
    """Why a rule cannot even be asked."""


def evaluate(document: Document, policy: Content) -> Report:
    """Judge every rule of `policy` over the facts of `document` (pure, apart from the process that bounds the rules).

    A rule passes only if its expression is the boolean true. It is undecided, with the reason, when it needs a fact that
    is missing or empty, names a key that its `reads` do not declare, does not compile, fails, or takes too much.
    """
    read = [_read(rule, document) for rule in policy.rules]
    asked = [_question(rule, facts) for rule, facts in zip(policy.rules, read, strict=True)]
    answers = iter(cel.judge_all([question for question in asked if isinstance(question, Question)]))
    results = [
        _result(rule, next(answers) if isinstance(question, Question) else question, facts, document)
        for rule, question, facts in zip(policy.rules, asked, read, strict=True)
    ]
    return Report(document, policy, tuple(results))


def policy_digest(policy: Content) -> str:
    """The digest of the version that holds `policy`."""
    return digest_of(release_policy.KIND.name, release_policy.KIND.schema, plain(policy))


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


def _question(rule: Rule, read: Read) -> Question | Outcome:
    try:
        _check_reads(rule, read)
        values = {key: _value(fact) for key, fact in read.items() if fact and not fact.is_empty}
    except _Unanswerable as reason:
        return Outcome(UNDECIDED, str(reason))
    return Question(rule.expression, values, {key: fact.state for key, fact in read.items() if fact})


def _read(rule: Rule, document: Document) -> Read:
    """The rule's keys with their facts, in alphabetical order; None for a key that the evidence does not have."""
    exact = {read: document.get(read) for read in rule.reads if not read.endswith(WILDCARD)}
    wildcards = [read for read in rule.reads if read.endswith(WILDCARD)]
    below = {
        fact.key: fact
        for fact in document.facts
        if any(matches(wildcard, fact.key) for wildcard in wildcards)
    }
    return dict(sorted({**exact, **below}.items()))


def _check_reads(rule: Rule, read: Read) -> None:
    """Refuse what would let a rule pass by absence, such as `all` over facts of which the empty ones were left out."""
    if unknown := undeclared(rule):
        raise _Unanswerable(
            f"The expression names {', '.join(unknown)}, which the rule's reads do not declare."
        )
    for wildcard in rule.reads:
        if wildcard.endswith(WILDCARD) and not any(matches(wildcard, key) for key in read):
            raise _Unanswerable(f"No fact matches {wildcard}.")
    named = cel.mentions(rule.expression)
    if named.all_facts and (empty := _empty(read)):
        raise _Unanswerable(f"The rule goes over all facts that it reads, but {empty}.")
    if named.all_states and (absent := [key for key, fact in read.items() if fact is None]):
        raise _Unanswerable(
            f"The rule goes over all states that it reads, but there is no fact {', '.join(absent)}."
        )


def _value(fact: Fact) -> Any:
    try:
        return typed(fact)
    except ValueError as error:
        raise _Unanswerable(
            f"{fact.key} has the unit {fact.unit}, but {fact.value!r} is no number."
        ) from error


def _result(rule: Rule, outcome: Outcome, read: Read, document: Document) -> RuleResult:
    named = {key: fact for key, fact in read.items() if key in cel.mentions(rule.expression).facts}
    reason = outcome.reason
    if reason.startswith(cel.FAILED) and (empty := _empty(named)):
        reason = f"No value to judge by: {empty}."
    shown = tuple(_shown(key, fact, document) for key, fact in read.items())
    return RuleResult(rule, outcome.verdict, reason, shown)


def _empty(read: Read) -> str:
    """Which of these are missing or empty, in words; empty when all have values."""
    return ", ".join(
        f"{key} is {fact.state.replace('_', ' ') if fact else 'not in the evidence'}"
        for key, fact in read.items()
        if fact is None or fact.is_empty
    )


def _shown(key: str, fact: Fact | None, document: Document) -> dict[str, Any]:
    """A fact as the report prints it: with what it rests on, so that every figure can be followed to its entry."""
    if fact is None:
        return {
            "key": key,
            "label": key,
            "value": None,
            "unit": None,
            "state": MISSING,
            "assurance": None,
            "entries": [],
        }
    told = fact.plain()
    return {
        **{name: told[name] for name in ("key", "label", "value", "unit", "state", "assurance")},
        "entries": document.entries_behind(fact),
    }
