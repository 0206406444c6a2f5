"""A tighter policy is tried on all releases in force before anybody adopts it, and nothing is written by trying."""

import json
from collections.abc import Callable

import pytest
import yaml
from django.core.management import call_command
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions, lookup
from governance.releases.actions import run_gate
from governance.releases.models import GateReport
from governance.reviews import actions as reviews
from tests.api.conftest import V1, fields, problem
from tests.builders import MARA, POLLY, RAVI, approved
from tests.releases.facts import rule
from tests.releases.world import house_policy, released

LICENSED = rule('states["licence"] == "recorded"', "licence", id="licensed")
PROPRIETARY = rule('facts["licence"] == "none"', "licence", id="proprietary")
UNKNOWN = rule('facts["cost"] < 1', "cost", id="cost")
TIGHTER = {"title": "Tighter", "rules": [LICENSED, PROPRIETARY, UNKNOWN]}


@pytest.fixture
def in_force(world):
    """Two approved releases, of the tiers low and medium, and one that is only sealed."""
    policy = house_policy(world, LICENSED)
    approved(lookup.find(policy))
    for slug, tier in (("assistant", "low"), ("helper", "medium")):
        version = released(world, slug, policy=policy, use_tier=tier)
        run_gate(version, actor=MARA)
        reviews.submit(version, actor=MARA)
        reviews.approve(version, digest=version.digest, reason="The gate passed.", actor=RAVI)
    released(world, "waiting", policy=policy)
    settle()
    return world


@pytest.fixture
def rows() -> Callable[[], tuple[int, int]]:
    return lambda: (Entry.objects.count(), GateReport.objects.count())


def tried(capsys, *arguments: str, name: str = "polly") -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        call_command("gate", *arguments, "--as", name)
    told = capsys.readouterr()
    return int(stopped.value.code), told.out, told.err


def test_a_file_is_tried_at_the_command_line(in_force, capsys, tmp_path, rows):
    path, before = tmp_path / "tighter.yaml", rows()
    path.write_text(yaml.safe_dump(TIGHTER))
    code, out, _ = tried(capsys, "--try", str(path))
    assert code == 1
    assert "proprietary, cost (undecided)" in out
    assert "0 of 2 releases in force would pass Tighter. Nothing was recorded." in out
    assert "waiting" not in out
    path.write_text(yaml.safe_dump({**TIGHTER, "tiers": ["medium"], "rules": [LICENSED, UNKNOWN]}))
    code, out, _ = tried(capsys, "--try", str(path), "--json")
    first, second = json.loads(out)["releases"]
    assert code == 2
    assert (first["release"], first["verdict"]) == ("release:assistant@1", None)
    assert first["why"] == "The policy serves medium, the release has the use tier low."
    assert (second["verdict"], [one["id"] for one in second["rules"]]) == ("undecided", ["cost"])
    path.write_text(yaml.safe_dump({**TIGHTER, "rules": [LICENSED]}))
    assert tried(capsys, "--try", str(path), "--json")[0] == 0
    assert rows() == before


def test_a_draft_is_tried_over_the_api_and_in_the_browser(in_force, client, rows):
    draft = actions.save_draft("release-policy", "next", TIGHTER, actor=POLLY)
    before = rows()
    api = APIClient()
    api.force_login(in_force.cast.polly)
    response = api.post(f"{V1}/releases/try/?page_size=1", {"policy": draft.subject}, format="json")
    assert response.status_code == 200, response.content
    page = response.json()
    assert [one["release"] for one in page["results"]] == ["release:assistant@1"]
    assert [one["verdict"] for one in page["results"][0]["rules"]] == ["refused", "undecided"]
    following = api.post(page["next"], {"policy": draft.subject}, format="json").json()
    assert [one["release"] for one in following["results"]] == ["release:helper@1"]
    by_content = api.post(f"{V1}/releases/try/", {"content": TIGHTER}, format="json").json()
    assert [one["verdict"] for one in by_content["results"]] == ["refused", "refused"]
    client.force_login(in_force.cast.polly)
    assert f"/versions/{draft.subject}/try/" in client.get(f"/versions/{draft.subject}/").content.decode()
    text = client.get(f"/versions/{draft.subject}/try/").content.decode()
    assert text.count("Title of proprietary") == 2
    assert rows() == before


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "policy"),
        ({"policy": "release-policy:default", "content": TIGHTER}, 400, "policy"),
        ({"policy": "release-policy:nothing"}, 404, None),
        ({"policy": "model:tuned"}, 409, None),
        ({"content": {"title": "No rules", "rules": []}}, 422, "rules"),
        ({"content": {**TIGHTER, "rules": [{**LICENSED, "expression": "true ||"}]}}, 409, None),
    ],
)
def test_what_cannot_be_tried_says_why(in_force, body, status, field):
    api = APIClient()
    api.force_login(in_force.cast.polly)
    told = problem(api.post(f"{V1}/releases/try/", body, format="json"), status)
    assert field is None or field in fields(told)


def test_trying_is_not_for_everybody(in_force, client, capsys):
    api = APIClient()
    api.force_login(in_force.cast.otto)
    problem(api.post(f"{V1}/releases/try/", {"content": TIGHTER}, format="json"), 403)
    client.force_login(in_force.cast.otto)
    assert client.get("/versions/release-policy:default@1/try/").status_code == 403
    code, _, err = tried(capsys, "--try", "release-policy:default", name="otto")
    assert (code, "This needs the group" in err) == (3, True)


def test_an_empty_house_and_a_broken_draft_have_their_page(world, client):
    client.force_login(world.cast.polly)
    text = client.get("/versions/release-policy:default@1/try/").content.decode()
    assert "No release is in force" in text
    broken = actions.save_draft("release-policy", "broken", {"title": "Unfinished"}, actor=POLLY)
    response = client.get(f"/versions/{broken.subject}/try/")
    assert (response.status_code, "rules" in response.content.decode()) == (422, True)
    assert client.get("/versions/model:tuned@1/try/").status_code == 422
