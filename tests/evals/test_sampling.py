"""Several samples an item, run for real: by a small model and over an endpoint, and every way that they are refused."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from evals.harness.params import Params
from evals.harness.suite import SuiteTask
from evals.statistics.repeats import maj_at_k, pass_at_k
from governance.registry.kinds.base import plain
from governance.registry.kinds.eval_suite import Task
from governance.registry.kinds.model import Endpoint
from tests.evals.conftest import MakeJob
from tests.evals.stub_endpoint import Stub, completion, prompt_of, serving
from tests.evals.test_harness import ACTIONS, CHOICES, FILES, SUMS, rows_of, run_here
from training.methods import BadParams, read
from training.runner.failures import BadInput

DRAWN = {"samples": 4, "temperature": "1.5"}
TALKING = {**SUMS, "name": "tools", "kind": "tool_use", "max_turns": 2}


def served(folder: Path, stub: Stub, **endpoint: Any) -> Path:
    """The job, with the stub in place of the weights."""
    spec = json.loads((folder / "job.json").read_text())
    content = {"weights_digest": None, "endpoint": stub.endpoint(**endpoint)}
    spec["inputs"]["evaluated"][0]["content"] = content
    (folder / "job.json").write_text(json.dumps(spec))
    return folder


def mean_of(values: Iterable[float]) -> Any:
    found = list(values)
    return pytest.approx(sum(found) / len(found), abs=1e-6)


@pytest.fixture
def own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation over an endpoint masks the key in its process' streams; this one goes on after it."""
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)


def test_every_sample_is_kept_and_the_item_stays_the_unit(make_job: MakeJob) -> None:
    folder = make_job([SUMS, ACTIONS], FILES, **DRAWN)
    summary, rows = run_here(folder)["summary"], rows_of(folder)
    sums = [row for row in rows if row["task"] == "sums"]
    assert len(rows) == summary["items_rows"] == 19
    assert {row["n_samples"] for row in rows} == {4} == {len(row["samples"]) for row in rows}
    assert any(len({one["response"] for one in row["samples"]}) > 1 for row in sums)
    scores = [[int(one["score"]) for one in row["samples"]] for row in sums]
    assert [float(row["score"]) for row in sums] == [sum(item) / 4 for item in scores]

    by_task = {one["task"]: one for one in summary["results"]}
    told = by_task["sums"]
    assert (told["n"], told["samples"], told["generation"]["temperature"]) == (16, 4, "1.5")
    assert float(told["score"]) == mean_of(sum(item) / 4 for item in scores)
    assert 0 <= float(told["ci_low"]) < float(told["score"]) < float(told["ci_high"]) <= 1
    assert [at["k"] for at in told["at_k"]] == [1, 2, 4]
    assert float(told["at_k"][1]["pass"]) == mean_of(pass_at_k(4, sum(item), 2) for item in scores)
    won = [maj_at_k([one["answer"] for one in row["samples"]], row["target"], 4) for row in sums]
    assert float(told["at_k"][2]["maj"]) == mean_of(won)
    acted = by_task["actions"]["at_k"][2]
    assert ("all" in acted, "maj" in acted) == (True, False)
    assert sum(by_task["actions"]["flags"].values()) == 12


def test_the_same_seed_draws_the_same_samples_and_another_seed_others(make_job: MakeJob) -> None:
    folders = [make_job([SUMS], FILES, **DRAWN) for _ in range(3)]
    spec = json.loads((folders[2] / "job.json").read_text())
    (folders[2] / "job.json").write_text(json.dumps({**spec, "seed": 8}))
    first, second, other = (run_here(folder)["summary"]["items_sha256"] for folder in folders)
    assert first == second != other


def test_a_budget_stands_in_place_of_the_suites_length(make_job: MakeJob) -> None:
    folder = make_job([{**SUMS, "max_new_tokens": 1}], FILES, max_new_tokens=3)
    (told,) = run_here(folder)["summary"]["results"]
    assert (told["budget"], told["generation"]) == (3, {"do_sample": False, "max_gen_toks": 3, "until": []})
    assert "samples" not in told
    assert not any("samples" in row for row in rows_of(folder))


def test_choices_can_be_asked_by_letter_which_is_another_form(make_job: MakeJob) -> None:
    (told,) = run_here(make_job([CHOICES], FILES, letters=True))["summary"]["results"]
    assert (told["form"], told["filter"], told["metric"]) == ("letters", "letter", "acc")
    assert told["flags"]["no_answer"] > 0  # the small model never learned letters
    by_likelihood = SuiteTask(Task.model_validate(CHOICES), ())
    assert told["version"] != by_likelihood.version


class TestOverAnEndpoint:
    def test_options_that_nobody_uses_leave_the_content_and_its_digest_as_they_were(self) -> None:
        usual = plain(Endpoint(base_url="http://127.0.0.1/v1", model="acme"))
        assert not {"max_completion_tokens", "no_temperature"} & set(usual)
        newer = Endpoint(base_url="http://127.0.0.1/v1", model="acme", no_temperature=True)
        assert plain(newer) == {**usual, "no_temperature": True}

    def test_each_sample_is_a_request_with_a_seed_of_its_own(self, make_job, own_streams) -> None:
        def behave(request: dict[str, Any], _: int) -> Any:
            a, b = prompt_of(request).removesuffix("?").split(" + ")
            return completion(str(int(a) + int(b) + request["seed"] % 2))

        with serving(behave) as stub:
            folder = served(make_job([SUMS], FILES, samples=3, temperature="0.5", limit=4), stub)
            (told,) = run_here(folder)["summary"]["results"]
        assert len(stub.asked) == 12
        assert sorted({one["seed"] for one in stub.asked}) == [7, 8, 9]
        assert {one["temperature"] for one in stub.asked} == {0.5}
        # One in three seeds is even, and only then the sum is right.
        assert (told["score"], told["at_k"][-1]["pass"], told["at_k"][-1]["maj"]) == ("0.333333", "1", "0")

    def test_newer_names_are_sent_where_the_model_says_so(self, make_job, own_streams) -> None:
        with serving(lambda _request, _number: completion("2")) as stub:
            options = {"max_completion_tokens": True, "no_temperature": True}
            folder = served(make_job([SUMS], FILES, limit=2), stub, **options)
            summary = run_here(folder)["summary"]
        assert {(one["max_completion_tokens"], "max_tokens" in one, "temperature" in one) for one in stub.asked} == {
            (4, False, False)
        }  # fmt: skip
        assert summary["results"][0]["generation"]["do_sample"] is None
        assert "No temperature was sent" in summary["endpoint"]["warnings"][0]

    def test_choices_are_asked_by_letter(self, make_job, own_streams) -> None:
        said = iter(["B.", "(A)", "I think B", "B"])
        with serving(lambda _request, _number: completion(next(said))) as stub:
            folder = served(make_job([{**CHOICES, "few_shot": 0}], FILES, batch_size=1), stub)
            (told,) = run_here(folder)["summary"]["results"]
        assert "\nA. 7\nB. 1\nC. 99\n" in prompt_of(stub.asked[0])
        assert (told["form"], told["flags"], told["generation"]["do_sample"]) == (
            "letters",
            {"no_answer": 1},
            False,
        )
        rows = {row["item"]: row["score"] for row in rows_of(folder)}
        # c0 expects 7, its first choice, all others their second.
        assert rows == {"c0": "0", "c1": "0", "c2": "0", "c3": "1"}

    def test_an_endpoint_that_takes_no_temperature_is_sampled_at_its_own_alone(self, make_job) -> None:
        with serving(lambda _request, _number: completion("2")) as stub:
            folder = served(make_job([SUMS], FILES, **DRAWN), stub, no_temperature=True)
            with pytest.raises(BadInput, match=r"a temperature of 1\.5 cannot be sent"):
                run_here(folder)
        assert stub.asked == []


@pytest.mark.parametrize("task", [CHOICES, TALKING], ids=["choices", "tools"])
def test_what_cannot_be_sampled_is_refused_before_anything_is_asked(
    make_job: MakeJob, task: dict[str, Any]
) -> None:
    with pytest.raises(BadInput, match=rf"the task {task['name']} cannot be sampled"):
        run_here(make_job([task], FILES, **DRAWN))


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"samples": 4}, "4 samples of an item are all the same at temperature 0"),
        ({"samples": 0}, "samples"),
        ({"samples": 65, "temperature": 1}, "samples"),
        ({"temperature": "-0.1"}, "temperature"),
        ({"temperature": "NaN"}, "temperature"),
        ({"temperature": "2.5"}, "temperature"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(params: dict[str, Any], named: str) -> None:
    with pytest.raises(BadParams, match=named):
        read(Params, params, where="params")
