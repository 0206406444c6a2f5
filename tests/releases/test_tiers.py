"""The use tier of a release selects the policy that decides over it."""

import pytest

from governance.registry import actions, lookup
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.releases.actions import run_gate
from tests.builders import MARA, POLLY, RAVI, approved
from tests.releases.facts import rule
from tests.releases.world import released

RULE = rule('states["licence"] == "recorded"', "licence")


def policy(slug: str, *tiers: str, approve: bool = True):
    content = {"title": slug, "rules": [{**RULE, "message": f"Of {slug}."}], "tiers": list(tiers)}
    version = actions.register("release-policy", slug, content, actor=POLLY)
    return approved(version) if approve else version


def chosen(world, **changes) -> str:
    return released(world, policy=None, **changes).content["policy"]["subject"]


def fault(world, **changes) -> str:
    with pytest.raises(ContentError) as caught:
        released(world, **changes)
    assert [field for field, _ in caught.value.faults] == ["policy"]
    return caught.value.faults[0][1]


def test_the_one_approved_policy_of_a_tier_is_taken(world):
    assert chosen(world) == "release-policy:default@1"
    actions.revoke(lookup.find("release-policy:default"), reason="Two others.", actor=RAVI)
    policy("easy", "low", "medium")
    policy("hard", "high")
    policy("harder", "high", approve=False)
    assert chosen(world) == chosen(world, use_tier="medium") == "release-policy:easy@1"
    assert chosen(world, use_tier="high") == "release-policy:hard@1"


def test_none_or_several_are_refused_by_name(world):
    policy("hard", "high")
    assert fault(world, policy=None, use_tier="high") == (
        "several approved release policies serve the use tier high: release-policy:default@1, release-policy:hard@1; name one"
    )
    actions.revoke(lookup.find("release-policy:default"), reason="Too lax.", actor=RAVI)
    assert fault(world, policy=None) == (
        "no approved release policy serves the use tier low; approved are release-policy:hard@1 (high)"
    )
    actions.revoke(lookup.find("release-policy:hard"), reason="Too hard.", actor=RAVI)
    assert "there is no approved release policy" in fault(world, policy=None)


def test_a_policy_that_does_not_serve_the_tier_cannot_be_named(world):
    policy("hard", "high")
    assert fault(world, policy="hard", use_tier="low") == (
        "release-policy:hard@1 serves the use tier high, and the release has low"
    )
    assert released(world, policy="hard", use_tier="high").state == "sealed"


def test_a_release_that_came_another_way_is_not_judged_by_another_tiers_policy(world):
    version = policy("hard", "high")
    pins = {**released(world).content, "policy": {"subject": version.subject, "digest": version.digest}}
    stray = actions.register("release", "stray", pins, actor=MARA, imported=False)
    with pytest.raises(Refused, match="serves the use tier high, and the release has low"):
        run_gate(stray, actor=MARA)


def test_tiers_are_known_and_named_once(db):
    for tiers in (["vast"], ["low", "low"]):
        with pytest.raises(ContentError):
            actions.register(
                "release-policy", "odd", {"title": "Odd", "rules": [RULE], "tiers": tiers}, actor=POLLY
            )
