"""A gate of 200 rules over the evidence of a release whose model has 1,000 ancestors; against the same rules without a gate.

The baseline compiles and evaluates the same expressions in this process over the same values, which it is handed ready: no
bounds on memory and time, no reasons, no report that leads from each figure to its entry.
"""

import resource
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from benchmarks import scratch
from benchmarks.figures import Aim, Figure
from benchmarks.paired import alternating
from governance.evidence.collect import collect
from governance.evidence.facts import Document
from governance.ledger.settle import settle
from governance.registry import actions, importers
from governance.registry.kinds import release_policy
from governance.registry.kinds.release_policy import Content
from governance.registry.models import Activity, Version
from governance.releases import cel
from governance.releases.gates import evaluate
from governance.releases.reading import Reader
from tests.builders import ADA
from tests.releases.world import DEFAULT_POLICY, TRAINING, build, released

RULES, ANCESTORS = 200, 1_000


def figures(quick: bool) -> Iterator[Figure]:
    """Seconds a gate, from the collected evidence to the canonical bytes of its report; and seconds of collecting."""
    ancestors, rounds = (20, 2) if quick else (ANCESTORS, 7)
    with scratch.sqlite("gate"):
        release = with_ancestors(Path(settings.CHARTER_HOME), ancestors)
        size = settle().size
        collecting = alternating({"collect": partial(_collected, release, size)}, rounds)["collect"]
        document = collect(release, size)
    for name, policy in (
        ("narrow rules", narrow(document)),
        ("the shipped policy and narrow rules", mixed(document)),
    ):
        sides: dict[str, Callable[[], float | None]] = {
            side.__name__: partial(side, document, policy) for side in (gate, bare, processor)
        }
        found = alternating(sides, rounds)
        told = f"{RULES} rules ({name}), {len(document.facts):,} facts, {ancestors:,} ancestors"
        yield Figure(told, "s", found["gate"], found["bare"], "the rules alone, unbounded", Aim("value", 1))
        yield Figure("the same, processor time alone", "s", found["processor"])
    yield Figure(f"collect the evidence of {ancestors:,} ancestors", "s", collecting)


def with_ancestors(folder: Path, count: int) -> Version:
    """A release of a model that was trained `count` times over, each time from the model before."""
    world = build(folder)
    model = world.tuned
    with transaction.atomic():
        for number in range(count):
            model = trained(model, number)
    return released(world, model=model.subject)


def trained(base: Version, number: int) -> Version:
    """The next model of the line: the content of `base` with weights of its own, made by a recorded step."""
    used = [("init_from", base), ("trained_on", Version.objects.get(artifact__slug="chats"))]
    step = actions.start_activity(
        "training", f"Step {number}", used, summary={"stage": "sft", "seed": 1}, actor=ADA
    )
    content = {**(base.content or {}), "description": f"Step {number}.", "weights_digest": f"{number:064x}"}
    made = actions.register("model", "line", content, actor=ADA, imported=False)
    actions.end_activity(step, state=Activity.ENDED, produced=[("output", made)], summary=TRAINING, actor=ADA)
    return made


def narrow(document: Document) -> Content:
    """Rules that each ask for one key with a value and the state of another, all of them different."""
    keys = [fact.key for fact in document.facts if not fact.is_empty]
    chosen = [keys[place * len(keys) // (2 * RULES)] for place in range(2 * RULES)]
    return Content(title="Narrow", rules=[_rule(n, *chosen[2 * n : 2 * n + 2]) for n in range(RULES)])


def mixed(document: Document) -> Content:
    shipped = release_policy.KIND.parse(importers.mapping(DEFAULT_POLICY))
    assert isinstance(shipped, Content)
    others = narrow(document).rules[len(shipped.rules) :]
    return Content(title="Mixed", rules=[*shipped.rules, *others])


def _rule(number: int, value: str, state: str) -> dict[str, Any]:
    return {
        "id": f"rule-{number}",
        "title": f"Rule {number}",
        "reads": [value, state],
        "expression": f'facts["{value}"] != "nothing" && states["{state}"] != "withheld"',
        "message": "Record it.",
    }


def gate(document: Document, policy: Content) -> None:
    evaluate(document, policy).canonical()


def processor(document: Document, policy: Content) -> float:
    """Seconds of processor time that a gate takes, in this process and its child: what a busy machine does not change."""
    before = _used()
    gate(document, policy)
    return _used() - before


def _used() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def bare(document: Document, policy: Content) -> None:
    """What any use of the language costs: compile each expression, hand it the values, ask."""
    cel.compiled.cache_clear()
    reader = Reader(document)
    for rule in policy.rules:
        read = reader.read(rule)
        cel.judge(cel.Question(rule.expression, read.values, read.states))


def _collected(release: Version, size: int) -> None:
    collect(release, size)
