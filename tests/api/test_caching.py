"""What clients may keep: what a digest names for ever, all else only to ask whether it is still so."""

import hashlib

import pytest
from rest_framework.test import APIClient

from governance.people.models import User
from governance.registry import actions
from governance.registry.models import Activity
from governance.releases.actions import run_gate
from governance.reviews import actions as reviews
from tests import cast as people
from tests.api.conftest import V1, problem
from tests.builders import ADA, CONSTITUTION, MARA, POLLY, constitution, model
from tests.evidence import world

FOR_EVER, ASK = "private, max-age=31536000, immutable", "private, no-cache"


@pytest.fixture
def otto(signed_in):
    return signed_in("otto")


def content(digest):
    return f"{V1}/contents/{digest}/"


def test_what_a_digest_names_is_kept_for_ever(otto):
    version = constitution()
    response = otto.get(content(version.digest))
    assert response.json() == {"kind": "constitution", "schema": "constitution/1", "content": version.content}
    assert (response["Cache-Control"], response["ETag"]) == (FOR_EVER, f'"{version.digest}"')
    assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))


def test_a_decision_over_a_version_does_not_change_what_its_digest_names(otto):
    version = reviews.submit(constitution(), actor=POLLY)
    before = otto.get(content(version.digest)).content
    actions.revoke(version, reason="Wrong.", actor=POLLY)
    assert otto.get(content(version.digest)).content == before


def test_a_file_is_kept_for_ever(otto, tmp_path):
    entry = model(tmp_path).content["files"][0]
    place = f"{V1}/versions/model/base/1/files/{entry['sha256']}/"
    response = otto.get(place)
    data = b"".join(response.streaming_content)
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert (response["Cache-Control"], response["ETag"]) == (FOR_EVER, f'"{entry["sha256"]}"')
    same = otto.get(place, headers={"If-None-Match": response["ETag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_a_state_is_asked_for_again(otto):
    version = constitution()
    place = f"{V1}/versions/{version.kind}/house/1/"
    first = otto.get(place)
    assert (first["Cache-Control"], first["ETag"]) == (ASK, '"1"')
    same = otto.get(place, headers={"If-None-Match": first["ETag"]})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", '"1"')
    reviews.submit(version, actor=POLLY)
    changed = otto.get(place, headers={"If-None-Match": first["ETag"]})
    assert (changed.status_code, changed.json()["state"]) == (200, "in_review")
    assert changed["ETag"].startswith('"2-')


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"1"', 304),
        ('W/"1"', 304),
        ('"7", "1"', 304),
        ("*", 304),
        ('"2"', 200),
        ("1", 200),
        ("", 200),
        ("\xff", 200),
        ('"1', 200),
    ],
)
def test_if_none_match_is_read_as_the_standard_says(otto, header, status):
    constitution()
    place = f"{V1}/versions/constitution/house/1/"
    assert otto.get(place, headers={"If-None-Match": header}).status_code == status
    assert otto.head(place, headers={"If-None-Match": header}).status_code == status


def test_an_activity_has_the_revision_of_its_entry(otto, cast):
    activity = actions.start_activity("training", "A", [], summary={}, actor=ADA)
    place = f"{V1}/activities/{activity.pk}/"
    assert otto.get(place)["ETag"] == '"1"'
    actions.end_activity(activity, state=Activity.ENDED, summary={}, actor=ADA)
    changed = otto.get(place, headers={"If-None-Match": '"1"'})
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')


def test_an_artifact_changes_with_its_newest_version(otto):
    constitution()
    place = f"{V1}/artifacts/constitution/house/"
    tag = otto.get(place)["ETag"]
    assert otto.get(place, headers={"If-None-Match": tag}).status_code == 304
    constitution(content={**CONSTITUTION, "title": "Newer"})
    assert otto.get(place, headers={"If-None-Match": tag}).status_code == 200


def test_nobody_is_told_that_it_is_still_so_who_may_not_read_it(otto, signed_in):
    version = actions.register("system-prompt", "secret", {"text": "Hush."}, restricted=True, actor=POLLY)
    for place in (content(version.digest), f"{V1}/versions/system-prompt/secret/1/"):
        tag = signed_in("polly").get(place)["ETag"]
        problem(otto.get(place, headers={"If-None-Match": tag}), 403)
        problem(APIClient().get(place, headers={"If-None-Match": tag}), 401)


def test_changes_and_refusals_are_kept_by_nobody(signed_in):
    polly = signed_in("polly")
    made = polly.post(
        f"{V1}/versions/", {"kind": "constitution", "slug": "a", "content": CONSTITUTION}, format="json"
    )
    assert made["Cache-Control"] == "no-store"
    assert polly.get(f"{V1}/artifacts/")["Cache-Control"] == ASK
    assert polly.get(f"{V1}/versions/a/b/1/")["Cache-Control"] == "no-store"
    assert polly.post(f"{V1}/tokens/", {"label": "x"}, format="json")["Cache-Control"] == "no-store"


def test_a_gate_report_a_card_and_the_ledger(committed_db, tmp_path):
    people.gather()
    world.build(tmp_path)
    world.settled()
    otto = APIClient()
    otto.force_login(User.objects.get(username="otto"))
    release = world.Version.objects.get(artifact__slug="assistant")
    report = run_gate(release, actor=MARA)
    kept = otto.get(f"{V1}/releases/assistant/1/reports/{report.pk}/")
    assert (kept["Cache-Control"], kept["ETag"]) == (FOR_EVER, f'"{report.report_sha256}"')
    for place in (
        "versions/release/assistant/1/card/",
        "versions/release/assistant/1/card/?format=json",
        "releases/assistant/1/gate/",
        "ledger/checkpoint/",
        "ledger/trust/",
        "ledger/entries/0/",
        "schema/",
    ):
        response = otto.get(f"{V1}/{place}")
        assert (response.status_code, response["Cache-Control"]) == (200, ASK), place
        again = otto.get(f"{V1}/{place}", headers={"If-None-Match": response["ETag"]})
        assert again.status_code == 304, place
