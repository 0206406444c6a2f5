"""Lists, filters, pages, lineage, activities and the ledger: what is shown, in how many queries."""

import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance.ledger.append import commitment
from governance.ledger.keys import generate, policy
from governance.ledger.models import Entry
from governance.ledger.proof import Proof
from governance.ledger.settle import settle
from governance.registry import actions
from governance.registry.models import Version
from tests import cast as people
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, CONSTITUTION, POLLY, approved, constitution, dataset, model, trained


@pytest.fixture
def otto(signed_in):
    return signed_in("otto")


def results(client, path):
    response = client.get(f"{V1}/{path}")
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_artifacts_are_listed_and_filtered(otto, tmp_path):
    constitution()
    constitution("other", content={**CONSTITUTION, "title": "Other"})
    dataset(tmp_path)
    assert [row["name"] for row in results(otto, "artifacts/")] == [
        "constitution:house",
        "constitution:other",
        "dataset:chats",
    ]
    assert [row["name"] for row in results(otto, "artifacts/?kind=dataset")] == ["dataset:chats"]
    assert [row["name"] for row in results(otto, "artifacts/?q=HOUS")] == ["constitution:house"]
    one = otto.get(f"{V1}/artifacts/constitution/house/").json()
    assert (one["versions"], one["newest_number"], one["newest_state"]) == (1, 1, "sealed")


def test_versions_are_listed_newest_first_and_filtered(otto):
    constitution()
    constitution(content={**CONSTITUTION, "title": "Newer"})
    rows = results(otto, "versions/?kind=constitution&slug=house&state=sealed")
    assert [row["subject"] for row in rows] == ["constitution:house@2", "constitution:house@1"]
    assert rows[0]["based_on"] == "constitution:house@1"
    assert results(otto, "versions/?state=draft") == []


def test_a_name_or_a_digest_finds_its_version(otto):
    version = constitution()
    for path in ("find/?subject=house", "find/?subject=constitution:house@1", f"by-digest/{version.digest}/"):
        assert otto.get(f"{V1}/versions/{path}").json()["subject"] == version.subject


def test_a_name_that_is_not_there_says_what_is(otto, tmp_path):
    constitution()
    dataset(tmp_path, "house")
    assert (
        "Did you mean constitution:house"
        in problem(otto.get(f"{V1}/versions/constitution/hosue/1/"), 404)["detail"]
    )
    assert "versions: 1" in problem(otto.get(f"{V1}/versions/constitution/house/2/"), 404)["detail"]
    assert (
        "Did you mean constitution?"
        in problem(otto.get(f"{V1}/versions/constituton/house/1/"), 404)["detail"]
    )
    assert "dataset:house" in problem(otto.get(f"{V1}/versions/find/?subject=house"), 400)["detail"]
    problem(otto.get(f"{V1}/versions/by-digest/{'0' * 64}/"), 404)


def test_a_filter_that_does_not_exist_is_refused(otto):
    assert fields(problem(otto.get(f"{V1}/artifacts/?knd=dataset"), 400)) == {"knd"}
    assert fields(problem(otto.get(f"{V1}/artifacts/?kind=datset"), 400)) == {"kind"}
    assert fields(problem(otto.get(f"{V1}/versions/?state=done"), 400)) == {"state"}


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "201", "", "1e3", "9" * 5000, "%00", "%FF", "٣"])
def test_a_page_size_that_is_none_is_refused(otto, value):
    assert fields(problem(otto.get(f"{V1}/artifacts/?page_size={value}"), 400)) == {"page_size"}
    assert fields(problem(otto.get(f"{V1}/ledger/entries/?page_size={value}"), 400)) == {"page_size"}


def test_lineage_tells_roles_and_ancestries(otto, tmp_path):
    base, data = model(tmp_path), dataset(tmp_path)
    tuned = trained(tmp_path, base, [data])
    told = otto.get(f"{V1}/versions/model/tuned/1/lineage/").json()
    assert [(edge["parent"], edge["role"]) for edge in told["edges"]] == [
        ("model:base@1", "init_from"),
        ("dataset:chats@1", "trained_on"),
    ]
    assert told["truncated"] is False
    weight = otto.get(f"{V1}/versions/model/tuned/1/lineage/?ancestry=weight").json()
    assert [edge["parent"] for edge in weight["edges"]] == ["model:base@1"]
    assert otto.get(f"{V1}/versions/model/base/1/lineage/").json()["descendants"] == [tuned.subject]
    problem(otto.get(f"{V1}/versions/model/base/1/lineage/?ancestry=blood"), 400)


def test_activities_are_told_whole(otto, tmp_path):
    tuned = trained(tmp_path, model(tmp_path), [dataset(tmp_path)])
    rows = results(otto, f"activities/?subject={tuned.subject}")
    assert [(row["kind"], row["state"], row["by"]) for row in rows] == [("training", "ended", "person:ada")]
    one = otto.get(f"{V1}/activities/{rows[0]['id']}/").json()
    assert {edge["role"] for edge in one["used"]} == {"init_from", "trained_on"}
    assert one["summary"]["params"] == {"learning_rate": "0.0005"}
    assert len(results(otto, "activities/?kind=import&state=ended")) == 2
    problem(otto.get(f"{V1}/activities/{uuid.uuid4()}/"), 404)


def test_kinds_come_with_their_schemas(otto):
    rows = {row["name"]: row for row in results(otto, "kinds/")}
    assert "principles" in rows["constitution"]["content"]["properties"]


def test_entries_show_their_public_part_only(otto, cast):
    version = constitution()
    told = results(otto, f"ledger/entries/?object_id={version.id}")
    assert [entry["op"] for entry in told] == ["registry:version:registered"]
    assert told[0]["public"]["state"]["subject"] == version.subject
    accounts = results(otto, "ledger/entries/?object_type=people.account")
    assert len(accounts) == len(people.GROUPS)
    assert all(entry["public"] is None for entry in accounts)
    assert "groups" not in json.dumps(accounts)


def test_an_entry_without_checkpoint_has_no_proof(otto):
    entry = Entry.objects.get(object_id=str(constitution().id))
    told = otto.get(f"{V1}/ledger/entries/{entry.leaf_hash}/").json()
    assert told["proof"] is None
    assert told["leaf_index"] is None
    problem(otto.get(f"{V1}/ledger/checkpoint/"), 404)
    problem(otto.get(f"{V1}/ledger/entries/0/"), 404)
    problem(otto.get(f"{V1}/ledger/entries/{'9' * 19}/"), 404)


def test_an_entry_proves_itself_under_the_checkpoint(committed_db):
    cast = people.gather()
    version = constitution()
    generate()
    settle()
    client = APIClient()
    client.force_login(cast.otto)
    checkpoint = client.get(f"{V1}/ledger/checkpoint/").json()
    entry = Entry.objects.get(object_id=str(version.id))
    told = client.get(f"{V1}/ledger/entries/{entry.leaf_index}/").json()
    proof = Proof.parse(told["proof"])
    assert proof.check(bytes.fromhex(told["leaf_hash"]), policy()) == checkpoint["size"]
    assert json.loads(told["body"])["payload"]["P"] == commitment(told["part"])


def test_addresses_that_are_not_there_answer_with_a_problem(otto, db):
    for client in (otto, APIClient()):
        for path in (
            "/api/",
            f"{V1}/",
            f"{V1}/nothing/",
            f"{V1}/versions/constitution/a%00b/1/",
            f"{V1}/versions/x/y/{'9' * 40}/",
        ):
            problem(client.get(path), 404)
    assert "end with a slash" in problem(otto.post(f"{V1}/tokens"), 404)["detail"]
    problem(otto.delete(f"{V1}/tokens/"), 405)
    problem(otto.options(f"{V1}/tokens/"), 405)


def grow(count):
    for number in range(count):
        version = constitution(f"house-{count}-{number}")
        if number % 3 == 0:
            approved(version)
        actions.save_draft("constitution", f"draft-{count}-{number}", CONSTITUTION, actor=POLLY)
        again = actions.register(
            "constitution", f"house-{count}-{number}", {**CONSTITUTION, "title": "Two"}, actor=POLLY
        )
        activity = actions.start_activity("training", "SFT", [("init_from", again)], summary={}, actor=ADA)
        actions.end_activity(activity, state="ended", produced=[("output", version)], summary={}, actor=ADA)


LISTS = [
    "artifacts/?page_size=200",
    "versions/?page_size=200",
    "activities/?page_size=200",
    "ledger/entries/?page_size=200",
    "tokens/?page_size=200",
    "kinds/",
    "versions/constitution/house-3-0/1/",
    "versions/constitution/house-3-0/1/lineage/",
]


def test_the_number_of_queries_does_not_grow_with_the_rows(signed_in, with_token):
    client = signed_in("root")

    def counts():
        return {path: queries(client, path) for path in LISTS}

    grow(3)
    with_token("ada")
    few = counts()
    grow(30)
    for _ in range(9):
        with_token("eno")
    assert Version.objects.count() >= 99
    assert counts() == few
    assert max(few.values()) <= 12, few


def queries(client, path):
    with CaptureQueriesContext(connection) as made:
        assert client.get(f"{V1}/{path}").status_code == 200
    return len(made)
