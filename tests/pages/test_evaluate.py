"""Evaluate a model in the browser: the model, a suite, and the run that asks it."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests import builders
from tests.evals import recorded
from tests.pages.forms import errors, opened, sendable
from training.models import Run


@pytest.fixture
def ada(client_of, tmp_path) -> Client:
    """An engineer in an installation with a model and a suite."""
    client = client_of("ada")
    builders.model(tmp_path)
    recorded.suite(Path(tmp_path), "sums", items=4)
    return client


def send(client: Client, **typed: Any) -> Any:
    given = opened(client, "/evaluations/new/?model=model:base@1")
    return client.post("/evaluations/new/", {**given, "inputs.evaluated_on.0": "eval-suite:sums", **typed})


def test_a_models_page_leads_to_the_form_with_the_model_in_it(ada):
    assert "/evaluations/new/?model=model%3Abase%401" in ada.get("/versions/model:base@1/").content.decode()
    response = ada.get("/evaluations/new/?model=model:base@1")
    assert sendable(response)["inputs.evaluated.0"] == "model:base@1"
    assert "eval-suite:sums@1" in response.content.decode()


def test_the_evaluation_is_queued_with_what_was_changed_alone(ada):
    response = send(ada, **{"params.limit": "2", "seed": "3"})
    assert response.status_code == 302, errors(response)
    run = Run.objects.get()
    assert response["Location"] == f"/runs/{run.pk}/"
    assert (run.stage, run.spec["seed"], run.spec["params"]["limit"]) == ("evaluate", 3, 2)
    assert run.spec["inputs"]["evaluated"][0]["subject"] == "model:base@1"


def test_sent_twice_it_is_one_run(ada):
    given = {
        **opened(ada, "/evaluations/new/?model=model:base@1"),
        "inputs.evaluated_on.0": "eval-suite:sums",
    }
    first, second = (ada.post("/evaluations/new/", given) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ({"inputs.evaluated.0": ""}, "inputs_evaluated_0"),
        ({"inputs.evaluated.0": "eval-suite:sums"}, "inputs_evaluated_0"),
        ({"inputs.evaluated_on.0": "eval-suite:sume"}, "inputs_evaluated_on_0"),
        ({"params.limit": "none"}, "params_limit"),
        ({"params.dtype": "float8"}, "params_dtype"),
        ({"seed": "-1"}, "seed"),
        ({"once": ""}, "form"),
    ],
)
def test_a_complaint_stands_at_its_field(ada, typed, place):
    told = send(ada, **typed)
    assert told.status_code == 422
    assert errors(told)[place]
    assert not Run.objects.exists()


def test_without_a_suite_the_page_says_how_to_get_one(client_of):
    assert "There is no suite yet" in client_of("ada").get("/evaluations/new/").content.decode()


def test_others_are_told_who_may(client_of, ada):
    for name in ("otto", "axel", "ravi", "mara"):
        client = client_of(name)
        for response in (client.get("/evaluations/new/"), client.post("/evaluations/new/", {})):
            assert response.status_code == 403
            assert "This needs the group engineer" in response.content.decode()
        assert "/evaluations/new/" not in client.get("/versions/model:base@1/").content.decode()
