"""Waivers over HTTP: each step by whoever may take it, with the scope for it, and no field that was not asked for."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people.actions import create_token
from governance.registry import lookup
from governance.releases.actions import run_gate
from governance.releases.models import Waiver
from tests.api.conftest import V1, fields, problem
from tests.builders import MARA
from tests.releases.facts import rule
from tests.releases.world import build, house_policy, released

WAIVERS = f"{V1}/waivers/"
PROPRIETARY = rule('facts["licence"] == "none"', "licence", id="proprietary")


@pytest.fixture
def client_of(committed_db, tmp_path):
    """Clients of the cast, by session or (with scopes) by token, around a release whose gate refused it."""
    world = build(tmp_path)
    run_gate(released(world, policy=house_policy(world, PROPRIETARY)), actor=MARA)

    def client(name: str, *scopes: str, token: bool = False) -> APIClient:
        if not token:
            made = APIClient()
            made.force_login(world.cast.users[name])
            return made
        given = {"label": "ci", "scopes": scopes, "expires_at": timezone.now() + timedelta(days=1)}
        secret = create_token(world.cast.users[name].account, **given, actor=world.cast.actor(name))[1]
        return APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")

    return client


def body(**changes):
    given = {
        "release": "release:assistant@1", "rule": "proprietary", "reason": "Known.",
        "expires_at": (timezone.now() + timedelta(days=3)).isoformat(),
    }  # fmt: skip
    return {**given, **changes}


def proposed(client, **changes):
    return client.post(WAIVERS, body(**changes), format="json")


def test_two_people_waive_a_rule_and_the_gate_passes(client_of):
    mara, ravi = client_of("mara"), client_of("ravi")
    response = proposed(mara)
    assert response.status_code == 201, response.content
    place = response["Location"]
    assert Entry.objects.get(op="releases:waiver:proposed").actor == "person:mara"
    assert mara.get(place).json() == response.json()
    granted = ravi.post(f"{place}grant/", {"reason": "Agreed."}, format="json")
    assert (granted.status_code, granted.json()["granted_by"]) == (200, "ravi")
    report = mara.post(f"{V1}/releases/assistant/1/gate/").json()
    assert (report["verdict"], report["report"]["waivers"][0]["by"]) == ("passed", "ravi")
    listed = client_of("otto").get(f"{WAIVERS}?release=release:assistant@1&state=granted").json()["results"]
    assert [one["rule"] for one in listed] == ["proprietary"]
    withdrawn = mara.post(f"{place}withdraw/", {"reason": "No."}, format="json")
    assert withdrawn.json()["state"] == "withdrawn"
    assert problem(ravi.post(f"{place}decline/", {"reason": "No."}, format="json"), 409)


def test_a_step_needs_its_group_and_its_scope(client_of):
    for name in ("ravi", "polly", "otto"):
        problem(proposed(client_of(name)), 403)
    problem(proposed(client_of("mara", "releases:gate:run", token=True)), 403)
    assert proposed(client_of("mara", "releases:waiver:propose", token=True)).status_code == 201
    place = f"{WAIVERS}{Waiver.objects.get().pk}/"
    for client in (
        client_of("mara"),
        client_of("ada"),
        client_of("ravi", "releases:gate:run", token=True),
        client_of("ravi", "reviews:version:review", token=True),
    ):
        problem(client.post(f"{place}grant/", {"reason": "Yes."}, format="json"), 403)
        problem(client.post(f"{place}decline/", {"reason": "No."}, format="json"), 403)
    problem(client_of("otto").post(f"{place}withdraw/", {"reason": "No."}, format="json"), 403)
    assert Waiver.objects.get().state == "proposed"
    by_token = client_of("ravi", "releases:waiver:grant", token=True)
    assert by_token.post(f"{place}grant/", {"reason": "Yes."}, format="json").status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"granted_by": "mara"}, 400, "granted_by"),
        ({"state": "granted"}, 400, "state"),
        ({"proposed_by": "ada"}, 400, "proposed_by"),
        ({"policy_digest": "0" * 64}, 400, "policy_digest"),
        ({"reason": ""}, 400, "reason"),
        ({"expires_at": "tomorrow"}, 400, "expires_at"),
        ({"expires_at": "2199-01-01T00:00:00Z"}, 409, None),
        ({"rule": "nothing"}, 409, None),
        ({"release": "model:tuned@1"}, 409, None),
        ({"release": "release:nothing@1"}, 404, None),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(client_of, changes, status, field):
    told = problem(proposed(client_of("mara"), **changes), status)
    assert field is None or field in fields(told)
    assert not Waiver.objects.exists()


def test_a_decision_takes_a_reason_and_nothing_else(client_of):
    proposed(client_of("mara"))
    ravi, place = client_of("ravi"), f"{WAIVERS}{Waiver.objects.get().pk}/"
    told = problem(ravi.post(f"{place}grant/", {"reason": "Yes.", "granted_by": "rosa"}, format="json"), 400)
    assert fields(told) == {"granted_by"}
    assert fields(problem(ravi.post(f"{place}grant/", {}, format="json"), 400)) == {"reason"}
    problem(
        ravi.post(f"{WAIVERS}{lookup.find('model:tuned').pk}/grant/", {"reason": "Yes."}, format="json"), 404
    )
    assert Waiver.objects.get().state == "proposed"
