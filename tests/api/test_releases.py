"""Releases over HTTP: composed from names, judged by their gate, known by one hash."""

from xml.etree import ElementTree

import pytest
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people.models import User
from governance.registry import actions
from governance.registry.models import Version
from governance.releases.models import GateReport
from tests import cast as people
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, POLLY
from tests.evidence import world

GATE = f"{V1}/releases/assistant/1/gate/"
CONTENT = {
    "model": "model:tuned@1",
    "baseline": "tiny-base",
    "constitution": "house",
    "system_prompt": "system-prompt:plain",
    "deployment": "local",
    "policy": "strict",
}


@pytest.fixture
def built(db, tmp_path):
    return world.build(tmp_path)


def composed(client, slug="second", **changes):
    return client.post(f"{V1}/releases/", {"slug": slug, "content": {**CONTENT, **changes}}, format="json")


def test_a_release_is_composed_from_names(signed_in, built):
    response = composed(signed_in("mara"))
    assert response.status_code == 201, response.content
    version = Version.objects.get(artifact__slug="second")
    assert version.content["model"] == {"subject": "model:tuned@1", "digest": built.tuned.digest}
    assert composed(signed_in("mara")).status_code == 200
    rows = signed_in("otto").get(f"{V1}/releases/").json()["results"]
    assert [row["subject"] for row in rows] == ["release:assistant@1", "release:second@1"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": "tuend"}, "model"),
        ({"model": "dataset:chats"}, "model"),
        ({"policy": 7}, "policy"),
        ({"policy": {"subject": "release-policy:strict@1", "digest": "0" * 64}}, "policy"),
        ({"deployment": None}, "deployment"),
        ({"use_tier": "vast"}, "use_tier"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_part_that_does_not_fit_is_named(signed_in, built, change, field):
    assert fields(problem(composed(signed_in("mara"), **change), 422)) == {field}
    assert not Version.objects.filter(artifact__slug="second").exists()


def test_composing_is_not_for_everybody(signed_in, with_token, built):
    problem(composed(signed_in("ravi")), 403)
    problem(composed(with_token("mara")), 403)
    assert composed(with_token("mara", "releases:release:compose")).status_code == 201


def test_the_identity_changes_with_the_prompt_alone(signed_in, built):
    mara = signed_in("mara")
    composed(mara)
    one = mara.get(f"{V1}/releases/assistant/1/identity/").json()
    same = mara.get(f"{V1}/releases/second/1/identity/").json()
    assert one["identity"] == same["identity"]
    assert one["parts"]["system_prompt"]
    composed(mara, system_prompt=None)
    other = mara.get(f"{V1}/releases/second/2/identity/").json()
    assert other["identity"] != one["identity"]
    assert other["parts"]["system_prompt"] == "not_applicable"


def test_the_identity_does_not_quote_a_restricted_deployment(signed_in, built):
    content = {"engine": "vault", "engine_version": "1", "context_length": 512, "decoding": {}}
    actions.register("deployment", "vault", content, restricted=True, actor=ADA)
    composed(signed_in("mara"), deployment="vault")
    place = f"{V1}/releases/second/1/identity/"
    assert "restricted" in problem(signed_in("otto").get(place), 403)["detail"]
    assert signed_in("ravi").get(place).json()["parts"]["engine"] == "vault"


def test_a_release_without_report_says_how_to_get_one(signed_in, built):
    assert "POST to this address" in problem(signed_in("otto").get(GATE), 404)["detail"]
    problem(signed_in("otto").get(f"{V1}/releases/nothing/1/gate/"), 404)
    problem(signed_in("otto").get(f"{GATE}?format=pdf"), 400)


@pytest.fixture
def mara(committed_db, tmp_path):
    people.gather()
    world.build(tmp_path)
    client = APIClient()
    client.force_login(User.objects.get(username="mara"))
    return client


def test_a_release_that_passes_may_go(mara):
    response = mara.post(GATE)
    assert response.status_code == 200, response.content
    report = GateReport.objects.get()
    assert response.json()["verdict"] == report.verdict == "passed"
    assert Entry.objects.get(op="releases:gate:run").actor == "person:mara"
    assert mara.get(GATE).json() == mara.get(response["Location"]).json() == response.json()
    suite = ElementTree.fromstring(mara.get(f"{GATE}?format=junit").content)
    assert suite.tag in ("testsuite", "testsuites")
    assert mara.get(GATE, headers={"Accept": "application/xml"})["Content-Type"] == "application/xml"


RULES = {
    "refused": 'facts["licence"] == "none at all"',
    "undecided": 'facts["results.poetry.score"] > 0.5',
}


@pytest.mark.parametrize("verdict", RULES)
def test_a_release_that_does_not_pass_stops_the_pipeline_and_says_why(mara, verdict):
    expression = RULES[verdict]
    rule = {
        "id": "hard",
        "title": "Too hard",
        "reads": [expression.split('"')[1]],
        "expression": expression,
        "message": "Nothing can pass this.",
    }
    actions.register("release-policy", "hard", {"title": "Hard", "rules": [rule]}, actor=POLLY)
    assert composed(mara, policy="hard").status_code == 201
    response = mara.post(f"{V1}/releases/second/1/gate/")
    told = problem(response, 409)
    assert told["type"] == f"urn:charter:problem:gate-{verdict}"
    assert fields(told) == {"hard"}
    assert "Too hard" in told["detail"]
    assert told["gate"]["verdict"] == GateReport.objects.get().verdict == verdict
    assert mara.get(response["Location"]).json() == told["gate"]
    rows = mara.get(f"{V1}/releases/second/1/reports/").json()["results"]
    assert [(row["id"], row["verdict"]) for row in rows] == [(told["gate"]["id"], verdict)]


def test_what_is_no_sealed_release_is_not_judged(mara):
    told = problem(mara.post(f"{V1}/releases/nothing/1/gate/"), 404)
    assert "gate" not in told
    assert not GateReport.objects.exists()


def test_the_gate_is_run_by_whoever_may(signed_in, with_token, built):
    problem(signed_in("otto").post(GATE), 403)
    problem(with_token("mara").post(GATE), 403)
    assert not GateReport.objects.exists()
