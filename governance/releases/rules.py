"""What is wrong with a release policy's rules before anything is judged by them (pure)."""

from collections.abc import Iterator, Mapping
from typing import Any

from governance.registry.kinds import release_policy
from governance.registry.kinds.release_policy import Content, Rule
from governance.releases import cel

WILDCARD = ".*"
BLOCK = "block"


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


def matches(read: str, key: str) -> bool:
    """Whether a rule's `read` covers `key`: the same key, or any below it where `read` ends in `.*`."""
    return key.startswith(read.removesuffix("*")) if read.endswith(WILDCARD) else key == read


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
        if "*" in read.removesuffix(WILDCARD):
            yield f"it reads {read!r}, but a wildcard stands only at the end, after a dot"
    named = cel.mentions(rule.expression)
    if not (named.facts or named.states or named.all_facts or named.all_states):
        yield "its expression looks at no fact"
    if unknown := undeclared(rule):
        yield f"its expression names {', '.join(unknown)}, which its reads do not declare"
