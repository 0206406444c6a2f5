"""Cards and bundles over HTTP: the same bytes as the commands write, and the verifier accepts them."""

import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.ledger import keys
from governance.people.models import User
from governance.registry import actions
from tests import cast as people
from tests.api.conftest import V1, fields, problem
from tests.builders import POLLY
from tests.evidence import world

RELEASE = f"{V1}/versions/release/assistant/1/"


@pytest.fixture
def otto(committed_db, tmp_path):
    people.gather()
    world.build(tmp_path)
    world.settled()
    client = APIClient()
    client.force_login(User.objects.get(username="otto"))
    return client


def test_a_card_is_what_the_command_writes(otto, tmp_path):
    for form, media_type in (("md", "text/markdown; charset=utf-8"), ("json", "application/json")):
        response = otto.get(f"{RELEASE}card/?format={form}")
        assert response.status_code == 200, response.content
        assert response["Content-Type"] == media_type
        out = tmp_path / f"card.{form}"
        call_command("card", "release:assistant@1", format=form, out=out)
        assert response.content == out.read_bytes()
    assert otto.get(f"{RELEASE}card/").content == otto.get(f"{RELEASE}card/?format=md&kind=system").content
    assert b"heliotrope" not in response.content


def test_a_card_tells_what_the_ledger_knew_then(otto):
    size = otto.get(f"{V1}/ledger/checkpoint/").json()["size"]
    before = otto.get(f"{RELEASE}card/?at={size}").content
    actions.register("system-prompt", "later", {"text": "Be kind."}, actor=POLLY)
    world.settled()
    assert otto.get(f"{RELEASE}card/?at={size}").content == before
    assert otto.get(f"{V1}/ledger/checkpoint/").json()["size"] > size


def test_a_bundle_is_accepted_by_the_verifier(otto, tmp_path):
    response = otto.get(f"{RELEASE}bundle/")
    assert response.status_code == 200, response.content
    assert response["Content-Disposition"] == 'attachment; filename="release-assistant-1.zip"'
    file = tmp_path / "bundle.zip"
    file.write_bytes(response.content)
    done = subprocess.run(
        [sys.executable, "-m", "governance.ledger.verify", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_has_no_card_says_so(otto):
    assert (
        "cards are written about"
        in problem(otto.get(f"{V1}/versions/constitution/house/1/card/"), 404)["detail"]
    )
    problem(otto.get(f"{V1}/versions/constitution/house/1/bundle/"), 404)
    assert fields(problem(otto.get(f"{RELEASE}card/?kind=poster"), 400)) == {"kind"}
    assert fields(problem(otto.get(f"{RELEASE}card/?format=exe"), 400)) == {"format"}
    assert fields(problem(otto.get(f"{RELEASE}card/?at=99999"), 400)) == {"at"}
    problem(otto.get(f"{RELEASE}card/?at=1"), 404)


def test_without_the_key_here_there_is_a_card_but_no_bundle(otto):
    keys.private_path().unlink()
    assert otto.get(f"{RELEASE}card/").status_code == 200
    assert "keygen" in problem(otto.get(f"{RELEASE}bundle/"), 503)["detail"]


def test_before_anything_is_signed_there_is_no_card(signed_in, db, tmp_path):
    world.build(tmp_path)
    assert "Nothing is signed" in problem(signed_in("otto").get(f"{RELEASE}card/"), 404)["detail"]


def test_a_card_takes_a_bounded_number_of_queries(otto):
    with CaptureQueriesContext(connection) as made:
        assert otto.get(f"{RELEASE}card/").status_code == 200
    assert len(made) <= 50
