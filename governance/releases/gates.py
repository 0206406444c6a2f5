"""Gate: a release policy's rules over one frozen evidence document. The same document, policy and waivers give the same bytes."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from governance.evidence.facts import Document
from governance.ledger.canonical import canonical
from governance.registry.kinds import release_policy
from governance.registry.kinds.base import digest_of, plain
from governance.registry.kinds.release_policy import Content, Rule
from governance.releases import cel
from governance.releases.cel import PASSED, REFUSED, UNDECIDED, Outcome, Question
from governance.releases.reading import Read, Reader
from governance.releases.rules import BLOCK, undeclared

Waived = Mapping[str, Any]
"""What a report says of a waiver: {id, by, proposed_by, reason, expires_at, entry}."""

_NO_VALUE = re.compile(r"there is no value for (.+)\.$")


@dataclass(frozen=True)
class RuleResult:
    """What became of one rule. `reason` says why it is undecided; `facts` are the ones that it read, for people."""

    rule: Rule
    verdict: str
    reason: str
    facts: tuple[dict[str, Any], ...]
    waived: Waived | None = None
    """The waiver for which the rule stops nothing; its verdict stays what it is."""

    @property
    def stops(self) -> bool:
        """Whether the release may not go out for this rule."""
        return self.rule.severity == BLOCK and self.verdict != PASSED and self.waived is None

    def record(self) -> dict[str, Any]:
        """The result with the rule's own words, in the canonical subset."""
        return {
            "id": self.rule.id,
            "title": self.rule.title,
            "severity": self.rule.severity,
            "waivable": self.rule.waivable,
            "standard": self.rule.standard,
            "verdict": self.verdict,
            "waived": dict(self.waived) if self.waived else None,
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
        """`refused` if a blocking rule is refused, else `undecided` if one is undecided or none exists, else `passed`.

        A rule that is waived does not count against the release.
        """
        blocking = [result for result in self.rules if result.rule.severity == BLOCK]
        stopping = {result.verdict for result in blocking if result.stops}
        if REFUSED in stopping:
            return REFUSED
        return PASSED if blocking and not stopping else UNDECIDED

    @property
    def counts(self) -> dict[str, int]:
        """Verdict → number of rules, warnings and waived ones included."""
        found = Counter(result.verdict for result in self.rules)
        return {verdict: found[verdict] for verdict in (PASSED, REFUSED, UNDECIDED)}

    @property
    def waived(self) -> list[str]:
        """Ids of the rules that stop nothing because they are waived."""
        return [result.rule.id for result in self.rules if result.waived]

    @cached_property
    def _evidence_digest(self) -> str:
        return self.document.digest

    def record(self) -> dict[str, Any]:
        """The whole report in the canonical subset."""
        return {
            "schema": "gate-report/1",
            "subject": self.document.subject.model_dump(),
            "evidence": {**self.document.at.model_dump(), "digest": self._evidence_digest},
            "policy": {"title": self.policy.title, "digest": policy_digest(self.policy)},
            "verdict": self.verdict,
            "counts": self.counts,
            "waivers": [{"rule": result.rule.id, **result.waived} for result in self.rules if result.waived],
            "rules": [result.record() for result in self.rules],
        }

    def canonical(self) -> bytes:
        """The canonical bytes of `record()`."""
        return canonical(self.record())


def evaluate(document: Document, policy: Content, waivers: Mapping[str, Waived] | None = None) -> Report:
    """Judge every rule of `policy` over the facts of `document` (pure, apart from the process that bounds the rules).

    A rule passes only if its expression is the boolean true. It is undecided, with the reason, when it needs a fact that
    is missing or empty, names a key that its `reads` do not declare, does not compile, fails, or takes too much.
    `waivers` (id of a rule → what the report says) are those in force for this release and policy; one for a rule that
    may not be waived, that only warns or that passes counts for nothing.
    """
    reader = Reader(document)
    read = [reader.read(rule) for rule in policy.rules]
    asked = [_question(rule, facts) for rule, facts in zip(policy.rules, read, strict=True)]
    answers = iter(cel.judge_all([question for question in asked if isinstance(question, Question)]))
    results = [
        _result(rule, next(answers) if isinstance(question, Question) else question, facts, reader, waivers or {})
        for rule, question, facts in zip(policy.rules, asked, read, strict=True)
    ]  # fmt: skip
    return Report(document, policy, tuple(results))


def policy_digest(policy: Content) -> str:
    """The digest of the version that holds `policy`."""
    return digest_of(release_policy.KIND.name, release_policy.KIND.schema, plain(policy))


def _question(rule: Rule, read: Read) -> Question | Outcome:
    """What is asked about the rule, or why it cannot even be asked."""
    why = _unanswerable(rule, read)
    return Outcome(UNDECIDED, why) if why else Question(rule.expression, read.values, read.states)


def _unanswerable(rule: Rule, read: Read) -> str:
    """What would let a rule pass by absence, such as `all` over facts of which the empty ones were left out."""
    if unknown := undeclared(rule):
        return f"The expression names {', '.join(unknown)}, which the rule's reads do not declare."
    if read.unmatched:
        return f"No fact matches {read.unmatched[0]}."
    named = cel.mentions(rule.expression)
    if named.all_facts and (empty := read.empty()):
        return f"The rule goes over all facts that it reads, but {empty}."
    if named.all_states and (absent := [key for key, fact in read.facts.items() if fact is None]):
        return f"The rule goes over all states that it reads, but there is no fact {', '.join(absent)}."
    return read.fault


def _result(
    rule: Rule, outcome: Outcome, read: Read, reader: Reader, waivers: Mapping[str, Waived]
) -> RuleResult:
    stops = rule.severity == BLOCK and rule.waivable and outcome.verdict != PASSED
    waived = waivers.get(rule.id) if stops else None
    shown = tuple(reader.shown(key, fact) for key, fact in read.facts.items())
    return RuleResult(rule, outcome.verdict, _reason(rule, outcome, read), shown, waived)


def _reason(rule: Rule, outcome: Outcome, read: Read) -> str:
    """Why a rule is undecided: where a value is missing, what its fact says of itself."""
    if not outcome.reason.startswith(cel.FAILED):
        return outcome.reason
    lacking = [key for key in sorted(cel.mentions(rule.expression).facts) if read.empty(key)]
    if (missed := _NO_VALUE.search(outcome.reason)) and missed[1] not in lacking:
        lacking.append(missed[1])
    return f"No value to judge by: {read.empty(*lacking)}." if lacking else outcome.reason
