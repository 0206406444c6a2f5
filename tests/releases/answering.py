"""A world in which releases may answer somewhere: one runtime, and approved releases made in one step."""

from decimal import Decimal

from governance.registry import lookup
from governance.registry.models import Version
from governance.releases import serving
from governance.releases.actions import run_gate
from governance.releases.models import Runtime, ServingPeriod
from tests.builders import MARA, approved
from tests.releases.facts import rule
from tests.releases.world import World, house_policy, released

LICENSED = rule('states["licence"] == "recorded"', "licence", id="licensed")


def policy(world: World) -> str:
    """An approved release policy that passes every release of this world."""
    return approved(lookup.find(house_policy(world, LICENSED))).subject


def chat(**changes) -> Runtime:
    given = {"title": "Chat", "kind": "app", "audience": "everybody", "actor": MARA, **changes}
    return serving.create_runtime("chat", **given)


def out(world: World, slug: str = "assistant", **changes) -> Version:
    """An approved release; another one for every other `notes`."""
    if "policy" not in changes and not world.parts["policy"].startswith("release-policy:strict"):
        world.parts["policy"] = policy(world)
    version = released(world, slug, **changes)
    run_gate(version, actor=MARA)
    return approved(version, submitter=MARA)


def begin(runtime: Runtime, version: Version, share: str = "1", **changes) -> ServingPeriod:
    given = {"share": Decimal(share), "reason": "It is good.", "actor": MARA, **changes}
    return serving.start(runtime, version, **given)
