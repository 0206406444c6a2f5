"""Waivers in the browser: proposed beside the rule, decided by somebody else, shown to everybody."""

import pytest

from governance.registry import lookup
from governance.releases.actions import run_gate
from governance.releases.models import Waiver
from tests.builders import MARA, approved
from tests.releases.facts import rule
from tests.releases.world import build, house_policy, released

PAGE = "/releases/release:assistant@1/"
RULES = (
    rule('facts["licence"] == "none"', "licence", id="proprietary"),
    {**rule('facts["licence"] == "none"', "licence", id="strict"), "waivable": False},
)


@pytest.fixture
def seen_by(committed_db, tmp_path, client):
    """What somebody sees on the release's page, and what they post."""
    world = build(tmp_path)
    policy = house_policy(world, *RULES)
    approved(lookup.find(policy))
    run_gate(released(world, policy=policy), actor=MARA)

    def see(name: str, door: str = "", address: str = PAGE, **posted: str) -> str:
        client.force_login(world.cast.users[name])
        response = client.post(door, posted, follow=True) if door else client.get(address)
        assert response.status_code == 200, response.content
        return response.content.decode()

    return see


def test_a_rule_is_waived_by_two_people_in_the_browser(seen_by):
    text = seen_by("mara")
    assert 'name="rule" value="proprietary"' in text
    assert 'name="rule" value="strict"' not in text
    for outsider in ("ravi", "otto"):
        assert "Propose a waiver" not in seen_by(outsider)
    told = seen_by("mara", f"{PAGE}waivers/", rule="proprietary", days="14", reason="Known and small.")
    assert "A waiver of proprietary is proposed." in told
    one = Waiver.objects.get()
    assert (one.expires_at - one.proposed_at).days in (13, 14)
    assert 'value="grant"' not in seen_by("mara")
    assert 'value="withdraw"' in seen_by("mara")
    assert "Waivers that wait for a decision" in seen_by("ravi", address="/")
    assert 'value="grant"' in seen_by("ravi")
    door = f"/waivers/{one.pk}/decide/"
    assert "is granted; run the gate again" in seen_by("ravi", door, verdict="grant", reason="Agreed.")
    told = seen_by("mara", f"{PAGE}gate/")
    assert "The gate says: refused." in told
    assert "Waived by ravi until" in told
    assert "Known and small." in seen_by("otto")


@pytest.mark.parametrize(
    ("posted", "why"),
    [
        ({"days": "91"}, "from 1 to 90"),
        ({"days": "soon"}, "from 1 to 90"),
        ({"reason": " "}, "Give a reason"),
        ({"rule": "strict"}, "may not be waived"),
    ],
)
def test_a_proposal_that_does_not_fit_says_why(seen_by, posted, why):
    given = {"rule": "proprietary", "days": "3", "reason": "Known.", **posted}
    assert why in seen_by("mara", f"{PAGE}waivers/", **given)
    assert not Waiver.objects.exists()


def test_doors_are_for_posts_of_those_who_may(seen_by, client):
    seen_by("mara", f"{PAGE}waivers/", rule="proprietary", days="3", reason="Known.")
    door = f"/waivers/{Waiver.objects.get().pk}/decide/"
    assert client.get(door).status_code == client.get(f"{PAGE}waivers/").status_code == 405
    assert client.post(door, {"verdict": "grant", "reason": "Mine."}).status_code == 403
    assert client.post(door, {"verdict": "perhaps", "reason": "?"}).status_code == 403
    seen_by("ravi")
    assert client.post(f"{PAGE}waivers/", {"rule": "proprietary"}).status_code == 403
    assert Waiver.objects.get().state == "proposed"
