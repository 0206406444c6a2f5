"""Runs over HTTP: launched from a spec, watched line by line, cancelled, retried."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.ledger.models import Entry
from tests.api.conftest import V1, fields, problem
from tests.builders import dataset, model
from training import states
from training.models import MetricRow, Run, RunEvent

RUNS = f"{V1}/runs/"


@pytest.fixture
def spec(db, tmp_path):
    model(tmp_path)
    dataset(tmp_path)
    return {
        "stage": "sft",
        "inputs": {"init_from": "model:base@1", "trained_on": ["dataset:chats"]},
        "params": {"learning_rate": 0.0005, "max_steps": 8},
        "seed": 7,
        "output": {"slug": "tuned"},
    }


@pytest.fixture
def ada(signed_in):
    return signed_in("ada")


def launched(client, spec):
    response = client.post(RUNS, spec, format="json")
    assert response.status_code == 201, response.content
    return Run.objects.get(pk=response.json()["id"])


def test_a_run_is_queued_with_every_input_pinned(ada, spec):
    response = ada.post(RUNS, spec, format="json")
    assert response.status_code == 201, response.content
    told, run = response.json(), Run.objects.get()
    assert response["Location"].endswith(f"{RUNS}{run.id}/")
    assert (told["state"], told["requested_by"], told["produced"], told["progress"]) == (
        "queued",
        "ada",
        [],
        None,
    )
    assert [pinned["subject"] for pinned in told["spec"]["inputs"]["trained_on"]] == ["dataset:chats@1"]
    assert told["spec"]["params"]["learning_rate"] == "0.0005"
    assert Entry.objects.get(op="training:run:queued").actor == "person:ada"


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"stage": "sftt"}, "stage", "Did you mean"),
        ({"params": {"learning_rat": 1}}, "params.learning_rat", "learning_rate"),
        ({"params": {"max_steps": "many"}}, "params.max_steps", ""),
        (
            {"inputs": {"init_from": "model:bse", "trained_on": "chats"}},
            "inputs.init_from",
            "Did you mean model:base",
        ),
        ({"inputs": {"trained_on": ["chats"]}}, "inputs.init_from", "needs a model"),
        ({"inputs": []}, "inputs", ""),
        ({"seed": -1}, "seed", ""),
        ({"seed": 10**30}, "seed", ""),
        ({"output": None}, "output", "makes a version"),
        ({"output": {"slug": "No Slug"}}, "output.slug", ""),
        ({"launcher": "moon"}, "launcher", ""),
        ({"limits": {"wall_seconds": 0}}, "limits.wall_seconds", ""),
        ({"sede": 1}, "sede", "seed"),
    ],
)
def test_a_wrong_spec_names_its_field(ada, spec, change, field, rule):
    told = problem(ada.post(RUNS, {**spec, **change}, format="json"), 422)
    assert field in fields(told)
    assert rule in told["errors"][0]["rule"]
    assert not Run.objects.exists()


@pytest.mark.parametrize("body", ["[]", "null", "7", '"x"', '{"stage": {}}', "{}"])
def test_a_spec_that_is_none_is_refused(ada, body):
    response = ada.generic("POST", RUNS, body, content_type="application/json")
    assert response.status_code in (400, 422)
    problem(response, response.status_code)


def test_launching_is_for_engineers_and_tokens_with_the_scope(signed_in, with_token, spec):
    problem(signed_in("ravi").post(RUNS, spec, format="json"), 403)
    problem(with_token("ada").post(RUNS, spec, format="json"), 403)
    run = launched(with_token("ada", "training:run:launch"), spec)
    assert Entry.objects.get(object_id=str(run.id)).actor.endswith("for person:ada")


def test_a_queued_run_is_cancelled_once(ada, signed_in, spec):
    run = launched(ada, spec)
    problem(signed_in("axel").post(f"{RUNS}{run.id}/cancel/"), 403)
    assert signed_in("mara").post(f"{RUNS}{run.id}/cancel/").json()["state"] == states.CANCELLED
    problem(ada.post(f"{RUNS}{run.id}/cancel/"), 409)
    again = ada.post(f"{RUNS}{run.id}/retry/")
    assert (again.status_code, again.json()["retry_of"]) == (201, str(run.id))
    problem(ada.post(f"{RUNS}{again.json()['id']}/retry/"), 409)


def test_runs_are_listed_newest_first_and_filtered(ada, signed_in, spec):
    first, second = launched(ada, spec), launched(ada, {**spec, "seed": 8})
    otto = signed_in("otto")
    assert [row["id"] for row in otto.get(RUNS).json()["results"]] == [str(second.id), str(first.id)]
    assert otto.get(f"{RUNS}?state=running").json()["results"] == []
    assert len(otto.get(f"{RUNS}?stage=sft&state=queued").json()["results"]) == 2
    problem(otto.get(f"{RUNS}?state=flying"), 400)
    problem(otto.get(f"{RUNS}{uuid.uuid4()}/"), 404)


def test_metrics_and_events_come_in_pages(ada, spec):
    run, now = launched(ada, spec), timezone.now()
    MetricRow.objects.bulk_create(
        MetricRow(run=run, seq=n, step=n, at=now, values={"loss": f"0.{n}"}) for n in range(1, 8)
    )
    RunEvent.objects.bulk_create(
        RunEvent(
            run=run,
            seq=n,
            at=now,
            name="progress" if n % 2 else "log",
            data={"done": n, "total": 7, "unit": "step"},
        )
        for n in range(1, 8)
    )
    page = ada.get(f"{RUNS}{run.id}/metrics/?page_size=3").json()
    seen = page["results"]
    while page["next"]:
        page = ada.get(page["next"]).json()
        seen += page["results"]
    assert [row["step"] for row in seen] == list(range(1, 8))
    assert seen[0]["values"] == {"loss": "0.1"}
    assert [row["seq"] for row in ada.get(f"{RUNS}{run.id}/metrics/?after=5").json()["results"]] == [6, 7]
    assert [row["seq"] for row in ada.get(f"{RUNS}{run.id}/events/?name=log").json()["results"]] == [2, 4, 6]
    assert ada.get(f"{RUNS}{run.id}/").json()["progress"]["done"] == 7
    problem(ada.get(f"{RUNS}{run.id}/metrics/?after=x"), 400)


def test_the_number_of_queries_does_not_grow_with_the_runs(ada, spec):
    def count():
        with CaptureQueriesContext(connection) as made:
            assert ada.get(f"{RUNS}?page_size=200").status_code == 200
        return len(made)

    for seed in range(3):
        launched(ada, {**spec, "seed": seed})
    few = count()
    for seed in range(30):
        launched(ada, {**spec, "seed": 100 + seed})
    assert Run.objects.count() == 33
    assert count() == few <= 8
