"""Evaluations over HTTP: what was measured, and two of them compared from their kept items."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.ledger.canonical import canonical
from governance.registry import actions, blobs
from governance.registry.models import Activity, Version
from tests.api.conftest import V1, problem
from tests.builders import ADA, model
from tests.evals.test_compare import measured
from tests.evidence.world import eval_suite

EVALUATIONS = f"{V1}/evaluations/"


@pytest.fixture
def pair(db, tmp_path):
    """A model and its successor on one suite: 12 of 40 right, then 30."""
    suite = eval_suite(tmp_path)
    base, tuned = model(tmp_path, "base"), model(tmp_path, "tuned", tensors={"a": [7.0]})
    return evaluated(base, suite, [1] * 12 + [0] * 28), evaluated(tuned, suite, [1] * 30 + [0] * 10)


def evaluated(version, suite, scores, **settings):
    found = measured(scores, **settings)
    results = canonical(dict(found.results))
    summary = {
        "results": found.results["results"],
        "items_sha256": blobs.put_bytes(b"".join(canonical(row) + b"\n" for row in found.items)).sha256,
        "results_sha256": blobs.put_bytes(results).sha256,
    }
    used = [("evaluated", version), ("evaluated_on", suite)]
    activity = actions.start_activity(
        "evaluation", f"Evaluation of {version.subject}", used, summary={}, actor=ADA
    )
    return actions.end_activity(activity, state=Activity.ENDED, summary=summary, actor=ADA)


def compared(client, a, b):
    return client.get(f"{EVALUATIONS}compare/?a={a.id}&b={b.id}")


def test_evaluations_are_listed_and_told(signed_in, pair):
    otto = signed_in("otto")
    assert [row["label"] for row in otto.get(EVALUATIONS).json()["results"]] == [
        "Evaluation of model:tuned@1",
        "Evaluation of model:base@1",
    ]
    assert len(otto.get(f"{EVALUATIONS}?subject=model:base").json()["results"]) == 1
    assert len(otto.get(f"{EVALUATIONS}?subject=basics&state=ended").json()["results"]) == 2
    told = otto.get(f"{EVALUATIONS}{pair[0].id}/").json()
    assert {edge["role"] for edge in told["used"]} == {"evaluated", "evaluated_on"}
    assert told["summary"]["results"]
    problem(otto.get(f"{EVALUATIONS}{uuid.uuid4()}/"), 404)


def test_a_gain_is_told_with_its_interval_and_items(signed_in, pair):
    response = compared(signed_in("otto"), pair[1], pair[0])
    assert response.status_code == 200, response.content
    task = response.json()["tasks"][0]
    assert (task["n"], task["difference"], task["discordant_count"]) == (40, "0.45", 18)
    assert task["direction"] == "improved"
    assert len(task["discordant"]) == 18
    assert compared(signed_in("otto"), pair[1], pair[0]).json() == response.json()


def test_what_is_not_alike_is_not_compared(signed_in, pair, tmp_path):
    suite, base = Version.objects.get(artifact__slug="basics"), Version.objects.get(artifact__slug="base")
    other = evaluated(base, suite, [1] * 40, chat_template_sha256="0" * 64)
    told = problem(compared(signed_in("otto"), pair[0], other), 409)
    assert told["errors"][0]["field"] == "chat_template_sha256"


def test_only_ended_evaluations_are_compared(signed_in, pair):
    base = Version.objects.get(artifact__slug="base")
    running = actions.start_activity("evaluation", "Evaluation", [("evaluated", base)], summary={}, actor=ADA)
    assert (
        "only evaluations that ended" in problem(compared(signed_in("otto"), pair[0], running), 409)["detail"]
    )
    training = actions.start_activity("training", "SFT", [("init_from", base)], summary={}, actor=ADA)
    problem(compared(signed_in("otto"), pair[0], training), 404)
    problem(signed_in("otto").get(f"{EVALUATIONS}compare/?a={pair[0].id}"), 400)
    problem(signed_in("otto").get(f"{EVALUATIONS}compare/?a=1&b=2"), 400)


def test_items_of_a_restricted_suite_are_not_quoted_to_everybody(signed_in, pair, tmp_path):
    content = {**Version.objects.get(artifact__slug="basics").content, "title": "Secret"}
    secret = actions.register("eval-suite", "secret", content, restricted=True, actor=ADA)
    base = Version.objects.get(artifact__slug="base")
    a, b = evaluated(base, secret, [1, 0] * 20), evaluated(base, secret, [0, 1] * 20)
    assert "restricted" in problem(compared(signed_in("otto"), a, b), 403)["detail"]
    assert compared(signed_in("ada"), a, b).status_code == 200


def test_bytes_that_are_gone_are_told(signed_in, pair):
    blobs.store().delete(blobs.place(pair[0].summary["items_sha256"]))
    problem(compared(signed_in("otto"), *pair), 503)


def test_the_number_of_queries_does_not_grow_with_the_evaluations(signed_in, pair):
    client, base, suite = (
        signed_in("otto"),
        Version.objects.get(artifact__slug="base"),
        Version.objects.get(artifact__slug="basics"),
    )

    def count():
        with CaptureQueriesContext(connection) as made:
            assert client.get(f"{EVALUATIONS}?page_size=200").status_code == 200
        return len(made)

    few = count()
    for _ in range(30):
        evaluated(base, suite, [1, 0])
    assert count() == few <= 8
