"""What is wrong with a release policy's rules before anything is judged by them (pure)."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from governance.registry.kinds import release_policy
from governance.registry.kinds.release_policy import Content, Rule
from governance.releases import cel

ANY = "*"
BLOCK = "block"
DECISION = "thresholds_decision"
"""Field of the card schema that tells what was decided. It comes after the gate, so no rule sees it: a waiver must not
speak for itself."""


def check_policy(content: Mapping[str, Any]) -> list[str]:
    """What is wrong with a release policy beyond its shape: one sentence a fault, naming the rule. Raises ContentError."""
    policy = release_policy.KIND.parse(content)
    assert isinstance(policy, Content)  # noqa: S101
    faults = [f"Rule {rule.id}: {fault}." for rule in policy.rules for fault in _faults(rule)]
    if all(rule.severity != BLOCK for rule in policy.rules):
        faults.append(
            "No rule blocks, so the policy could never decide; give at least one rule the severity block."
        )
    return faults


def is_pattern(read: str) -> bool:
    """Whether a rule's `read` names many keys."""
    return ANY in read


def matches(read: str, key: str) -> bool:
    """Whether a rule's `read` covers `key`: the same key, or one that fits it. `*` stands for one part of a key, and at the
    end for one or more."""
    return _pattern(read).fullmatch(key) is not None if is_pattern(read) else key == read


@lru_cache(maxsize=4096)
def _pattern(read: str) -> re.Pattern[str]:
    *parts, last = read.split(".")
    told = [r"[^.]+" if part == ANY else re.escape(part) for part in parts]
    return re.compile(r"\.".join([*told, ".+" if last == ANY else re.escape(last)]))


def undeclared(rule: Rule) -> list[str]:
    """Keys that the rule's expression names although its `reads` do not declare them."""
    named = cel.mentions(rule.expression)
    return [
        key
        for key in sorted(named.facts | named.states)
        if not any(matches(read, key) for read in rule.reads)
    ]


def _faults(rule: Rule) -> Iterator[str]:
    try:
        cel.compiled(rule.expression)
    except cel.BadExpression as error:
        yield f"its expression does not compile: {error}"
        return
    for read in rule.reads:
        first, *others = read.split(".")
        if ANY in first or any(ANY in part and part != ANY for part in others):
            yield f"it reads {read!r}, but a wildcard stands for whole parts of a key, and never for the first"
        if first == DECISION:
            yield f"it reads {read!r}, which is only decided after the gate"
    if not cel.mentions(rule.expression).anything:
        yield "its expression looks at no fact"
    if unknown := undeclared(rule):
        yield f"its expression names {', '.join(unknown)}, which its reads do not declare"
