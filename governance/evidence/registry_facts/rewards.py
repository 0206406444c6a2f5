"""Reward models, verifiers and judges that the stages used: what each is, and how far it can be relied on."""

from collections.abc import Iterator

from governance.evidence.build import human, in_content, recorded
from governance.evidence.facts import Fact
from governance.evidence.registry_facts.recipe import REWARDS
from governance.evidence.registry_facts.sheets import inside
from governance.evidence.view import View

TEXTS = ("type", "description", "checks", "endpoint", "order_swap", "calibration", "intended_use", "licence")
PARTS = ("base", "trained_on", "judge", "reliability", "order_consistency", "prompt")


def facts(view: View) -> Iterator[Fact]:
    """Of each reward on the weight line, numbered as in the recipe's facts."""
    edges = [edge for step in view.line.steps for edge in step.used_as(*REWARDS)]
    found = view.versions((edge.subject, edge.digest) for edge in edges)
    for number, edge in enumerate(edges, 1):
        reward = found.get(edge.subject)
        if reward is None or reward.disclosed is None or reward.version.kind != "reward-model":
            continue
        key = f"reward_specs.{number}"
        yield from recorded(f"{key}.state", "state", reward.record, "/state/state", assurance="observed")
        for name in TEXTS:
            yield from in_content(f"{key}.{name}", human(name), reward, f"/{name}")
        for part in PARTS:
            yield from inside(f"{key}.{part}", reward, part)
