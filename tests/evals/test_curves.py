"""Test-time compute: which evaluations make a curve, what each doubling adds, and the same numbers on page and command."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evals.compare import NotLikeForLike
from evals.comparison import compare_evaluations
from evals.harness.asking import Asking
from evals.templatetags.figures import rounded
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.settle import settle
from governance.registry import blobs, lookup
from tests import builders
from tests.cast import gather
from tests.evals.recorded import evaluated, suite
from training.models import Run

pytestmark = pytest.mark.usefixtures("committed_db")
N = 40
ADDRESS = "/evaluations/history/model:base/"


def scores(right: int, samples: int = 1) -> dict[str, list[Any]]:
    """`right` sums are solved (always, or in the first half of their samples), and every harmful request is refused."""
    if samples == 1:
        return {"sums": [1] * right + [0] * (N - right), "harm": [1] * N}
    half = (1,) * (samples // 2) + (0,) * (samples - samples // 2)
    return {"sums": [half] * right + [(0,) * samples] * (N - right), "harm": [(1,) * samples] * N}


@pytest.fixture
def measured(tmp_path):
    """`measured(right, samples, budget)`: an evaluation of the small model."""
    people = gather()
    model, basics = builders.model(tmp_path), suite(tmp_path, items=N)

    def one(right: int, samples: int = 1, budget: int | None = None, *, temperature: str = "0", **more: Any):
        how = Asking(samples, "0.8" if samples > 1 else temperature, budget)
        return evaluated(model, basics, tmp_path, scores(right, samples), asking=how, **more)

    one.people = people
    return one


def told(capsys, *arguments: str) -> dict[str, Any]:
    call_command("curve", "base", "basics", "--json", *arguments)
    return json.loads(capsys.readouterr().out)


def test_budgets_of_the_same_items_make_a_curve_with_a_slope(measured, capsys):
    for right, budget in ((10, 16), (20, 32), (30, 64)):
        measured(right, budget=budget)
    sums, harm = sorted(told(capsys)["curves"], key=lambda one: one["task"], reverse=True)
    assert [(one["budget"], one["score"]) for one in sums["points"]] == [
        (16, "0.25"),
        (32, "0.5"),
        (64, "0.75"),
    ]
    (slope,) = sums["slopes"]
    assert (slope["over"], slope["of"], slope["slope"], slope["words"]) == (
        "budget",
        "score",
        "0.25",
        "rises",
    )
    assert float(slope["low"]) < 0.25 < float(slope["high"])
    # No harmful request changed: that is no certainty about others.
    assert [(one["slope"], one["low"], one["words"]) for one in harm["slopes"]] == [
        ("0", None, "no item changed")
    ]


def test_samples_give_pass_and_vote_at_k_with_slopes_over_both(measured, capsys):
    measured(10, samples=4, budget=16)
    measured(20, samples=4, budget=32)
    sums = next(one for one in told(capsys)["curves"] if one["task"] == "sums")
    at = sums["points"][0]["at_k"]
    # A solved item has 2 of 4 right: of the 6 pairs 1 has none. All wrong ones differ, so that 2 against 1 and 1 wins.
    assert [(one["k"], one["pass"]) for one in at] == [(1, "0.125"), (2, "0.208333"), (4, "0.25")]
    assert at[2]["maj"] == "0.25"
    slopes = {(one["over"], one["of"]): one["slope"] for one in sums["slopes"]}
    assert slopes["budget", "score"] == "0.125"
    assert slopes["budget", "pass@4"] == slopes["budget", "maj@4"] == "0.25"
    # Over k = 1, 2, 4 the pass rates of a solved item are 1/2, 5/6, 1: a slope of 1/4, and a quarter of all are solved.
    assert slopes["k at 16 tokens", "pass@k"] == "0.0625"


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": "0.8"},
        {"chat_template_sha256": "d" * 64},
        {"system_instruction_sha256": "e" * 64},
    ],
)
def test_what_differs_in_anything_else_is_not_joined(measured, capsys, other):
    measured(10, budget=16)
    measured(20, budget=32, **other)
    with pytest.raises(SystemExit) as stopped:
        call_command("curve", "base", "basics")
    assert stopped.value.code == 1
    assert "no two evaluations" in capsys.readouterr().err


def test_the_page_draws_what_its_tables_say(measured):
    for right, budget in ((10, 16), (20, 32), (30, 64)):
        measured(right, samples=4, budget=budget)
    client = Client()
    client.force_login(measured.people.ada)
    page = client.get(f"{ADDRESS}?task=eval-suite:basics/sums").content.decode()
    picture = json.loads(
        re.search(r'<script id="budget-picture" type="application/json">(.*?)</script>', page).group(1)
    )
    mean, passed, voted = picture["series"]
    assert (mean["x"], [tick[1] for tick in picture["x"]["ticks"]]) == (["4", "5", "6"], ["16", "32", "64"])
    assert (passed["name"], voted["name"]) == ("pass@4", "maj@4")
    over_k = json.loads(
        re.search(r'<script id="k-picture" type="application/json">(.*?)</script>', page).group(1)
    )
    assert over_k["series"][0]["x"] == ["0", "1", "2"]
    table = page[page.index('id="curve"') : page.index("budget-picture")]
    for series in (mean, passed, voted):
        assert all(rounded(value) in table for value in [*series["y"], *series["y_low"]])
    assert "model:base@1 on eval-suite:basics@1, temperature 0.8" in page


def test_the_form_asks_for_samples_and_says_what_is_wrong(measured):
    client = Client()
    client.force_login(measured.people.ada)
    page = client.get("/evaluations/new/").content.decode()
    assert 'name="params.samples"' in page
    assert 'name="params.temperature"' in page
    sent = {
        "inputs.evaluated.0": "model:base@1", "inputs.evaluated_on.0": "eval-suite:basics@1", "params.samples": "4",
        "once": re.search(r'name="once" value="([^"]+)"', page).group(1),
    }  # fmt: skip
    refused = client.post("/evaluations/new/", sent)
    assert refused.status_code == 422
    assert "are all the same at temperature 0" in refused.content.decode()
    assert Run.objects.count() == 0
    assert client.post("/evaluations/new/", {**sent, "params.temperature": "0.8"}).status_code == 302
    assert Run.objects.get().spec["params"]["samples"] == 4


def test_more_evaluations_take_no_more_queries(measured):
    client = Client()
    client.force_login(measured.people.ada)
    counts = []
    for budget in (16, 32, 64):
        measured(10, budget=budget)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(ADDRESS).status_code == 200
        counts.append(len(queries))
    assert counts[1] == counts[2] <= 50


def test_without_its_items_a_curve_has_no_slopes_and_says_why(measured, capsys):
    first = measured(10, budget=16)
    measured(20, budget=32)
    Path(blobs.store().path(blobs.place(first.summary["items_sha256"]))).unlink()
    found = told(capsys)["curves"]
    assert {(len(one["slopes"]), bool(one["problem"])) for one in found} == {(0, True)}


def test_item_means_are_compared_whatever_the_number_of_samples(measured):
    two, four = measured(10, samples=2), measured(10, samples=4)
    sums = next(one for one in compare_evaluations(two, four).tasks if one.task == "sums")
    assert (sums.n, sums.difference) == (N, 0)
    assert any("sampled 2 times for a and 4 times for b" in text for text in sums.warnings)
    with pytest.raises(NotLikeForLike, match="generation"):
        compare_evaluations(two, measured(10))


def test_evidence_says_how_often_items_were_sampled_and_what_the_score_is(measured):
    measured(10, samples=4, budget=16)
    keys.generate()
    settle()
    found = collect(lookup.find("model:base"))
    values = {
        name: found.get(f"results.sums.{name}").value
        for name in ("samples", "estimator", "budget", "pass_at_4", "maj_at_4")
    }
    assert values["samples"] == 4
    assert "mean" in values["estimator"]
    assert (values["budget"], str(values["pass_at_4"])) == (16, "0.25")
    assert found.get("results.harm.all_at_4").value is not None
    assert found.get("results.sums.pass_at_4_ci_low").unit == "share"


def test_the_evaluations_page_shows_samples_and_so_does_the_api(measured):
    shown = measured(10, samples=20, budget=16)
    client = Client()
    client.force_login(measured.people.ada)
    page = client.get(f"/evaluations/{shown.pk}/").content.decode()
    assert "20 samples an item" in page
    assert "pass@20" in page
    assert page.count("<summary>20 samples</summary>") == 50
    (item, *_) = client.get(f"/api/v1/evaluations/{shown.pk}/items/?task=sums").json()["results"]
    assert (item["n_samples"], len(item["samples"]), item["score"]) == (20, 16, "0.5")
    assert item["samples"][0] == {"answer": "1", "flags": [], "response": "1", "score": "1"}


class TestAsking:
    def order(self, **params: Any) -> dict[str, Any]:
        return {"model": "model:base", "suite": "eval-suite:basics", **params}

    def post(self, measured, **params: Any):
        client = Client()
        client.force_login(measured.people.ada)
        return client.post("/api/v1/evaluations/", self.order(**params), content_type="application/json")

    def test_over_the_api_and_at_the_command_the_settings_are_recorded(self, measured, capsys):
        made = self.post(measured, samples=4, temperature="0.8", max_new_tokens=64).json()
        params = made["spec"]["params"]
        assert (params["samples"], params["temperature"], params["max_new_tokens"]) == (4, "0.8", 64)
        call_command(
            "evaluate", "base", "basics", "--samples", "4", "--temperature", "0.8", "--max-new-tokens",
            "64", "--as", "ada", "--json",
        )  # fmt: skip
        assert json.loads(capsys.readouterr().out)["spec_digest"] == made["spec_digest"]

    def test_greedy_samples_are_refused_at_once(self, measured):
        refused = self.post(measured, samples=4)
        assert refused.status_code == 422
        assert "temperature 0" in refused.content.decode()

    def test_choices_by_likelihood_are_refused_with_the_task_and_asked_by_letter(self, measured, tmp_path):
        pick = "title: Pick\nstatus: dev\ntasks:\n  - {name: pick, kind: multiple_choice, metric: acc, margin: '0.1', "
        suite(tmp_path, "picks", items=2, tasks=f"{pick}file: sums.jsonl, choices_field: choices}}\n")
        drawn = {"suite": "eval-suite:picks", "samples": 2, "temperature": "1"}
        refused = self.post(measured, **drawn)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "params.temperature"
        assert "the task pick cannot be sampled" in refused.json()["detail"]
        assert self.post(measured, **drawn, letters=True).status_code == 201
