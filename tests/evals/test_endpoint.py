"""Evaluating a model that is only asked at an address: registered, evaluated in real job processes, recorded, compared."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client

from evals.comparison import compare_evaluations
from evals.management.commands.evaluate import draft
from governance.cards import markdown
from governance.cards.compose import card_of
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.canonical import loads_canonical
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions as registry
from governance.registry import blobs, importers, kinds, lookup
from governance.registry.kinds.base import ContentError
from governance.registry.models import Activity, Blob, Version
from tests import builders
from tests.builders import ADA
from tests.cast import gather
from tests.evals.recorded import evaluated, suite
from tests.evals.stub_endpoint import (
    KEY,
    KEY_VARIABLE,
    MODEL,
    Response,
    Stub,
    completion,
    prompt_of,
    serving,
    sums,
    whole,
)
from tests.evals.test_tool_use import BERN, TASK, agent
from tests.pages.forms import opened
from training import actions, folder, states, supervisor
from training.launchers.local import LocalLauncher
from training.models import Run

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def people():
    return gather()


@pytest.fixture
def stub(people, settings, monkeypatch) -> Iterator[Stub]:
    """A running endpoint that adds, which this installation allows and has the key of."""
    with serving(sums) as running:
        settings.CHARTER_ENDPOINT_HOSTS = [running.host]
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        yield running


def served(folder: Path, stub: Stub, slug: str = "api", **endpoint: Any) -> Version:
    """A model behind the stub, registered from a description."""
    path = folder / f"{slug}.yaml"
    about = {
        "description": "Served by Acme.",
        "origin": "imported",
        "endpoint": stub.endpoint(key_variable=KEY_VARIABLE, **endpoint),
    }
    path.write_text(json.dumps(about))
    call_command("register", "model", slug, str(path), "--as", "ada")
    return lookup.find(f"model:{slug}")


def suite_of(folder: Path, slug: str, tasks: list[dict[str, Any]], items: dict[str, list[Any]]) -> Version:
    place = folder / slug
    place.mkdir()
    for name, rows in items.items():
        builders.write_lines(place / name, rows)
    (place / "suite.yaml").write_text(json.dumps({"title": slug, "status": "dev", "tasks": tasks}))
    found = importers.read("eval-suite", place / "suite.yaml", {})
    return registry.register("eval-suite", slug, found.content, files=found.files, actor=ADA)


def sums_suite(folder: Path, *, items: int = 6, **task: Any) -> Version:
    about = {
        "name": "sums",
        "kind": "exact_match",
        "metric": "exact_match",
        "margin": "0.1",
        "file": "sums.jsonl",
    }
    rows = [{"id": f"s{n}", "prompt": f"{n} + 1?", "target": str(n + 1)} for n in range(items)]
    return suite_of(folder, "sums", [{**about, **task}], {"sums.jsonl": rows})


def evaluate(model: str = "model:api", on: str = "eval-suite:sums") -> Run:
    """Evaluate with a job process of its own, as the command does."""
    with suppress(SystemExit):
        call_command("evaluate", model, on, "--follow", "--json", "--as", "ada")
    return Run.objects.latest("created_at")


def everywhere(run: Run) -> str:
    """All that is kept or written about a run: entries, rows, blobs and the files of its folder."""
    entries = [
        json.dumps([entry.body and bytes(entry.body).decode(), entry.parts]) for entry in Entry.objects.all()
    ]
    events = [json.dumps(event.data) for event in run.events.all()]
    kept = [blobs.read(blob.sha256).decode("utf-8", "replace") for blob in Blob.objects.all()]
    written = [path.read_text("utf-8", "replace") for path in folder.of(run).rglob("*") if path.is_file()]
    return "\n".join([run.reason, json.dumps(run.spec), *entries, *events, *kept, *written])


def test_only_an_evaluation_that_computes_holds_a_gpu(stub, tmp_path, monkeypatch):
    asked: list[bool] = []

    def start(*_: Any, device: bool) -> None:
        asked.append(device)
        raise OSError("no process is made here")

    monkeypatch.setattr(LocalLauncher, "start", start)
    served(tmp_path, stub)
    sums_suite(tmp_path)
    builders.model(tmp_path)
    for model in ("model:api", "model:base"):
        run = actions.queue(draft(model, "eval-suite:sums"), actor=ADA)
        assert supervisor.execute(run.pk, "worker")
    assert asked == [False, True]


class TestRegistering:
    def test_a_description_with_an_endpoint_is_held_as_one_and_says_what_upstream_does_not(
        self, stub, tmp_path
    ):
        content = served(tmp_path, stub).content
        assert (content["held"], content["weights_digest"], content["files"]) == ("endpoint", None, [])
        assert content["endpoint"]["key_variable"] == KEY_VARIABLE
        gaps = {gap["field"]: gap["state"] for gap in content["gaps"]}
        assert gaps == {"built_from": "undisclosed", "weights_digest": "undisclosed"}

    @pytest.mark.parametrize(
        ("endpoint", "words"),
        [
            ({"base_url": "ftp://api.example.com"}, "endpoint.base_url"),
            ({"base_url": "https://me:secret@api.example.com"}, "endpoint.base_url"),
            ({"base_url": "https://api.example.com/v1?key=secret"}, "endpoint.base_url"),
            ({"base_url": "https://api.example.com\\@10.0.0.1/"}, "endpoint.base_url"),
            ({"base_url": "https://api.example.com:99999"}, "endpoint.base_url"),
            ({"base_url": "file:///etc/passwd"}, "endpoint.base_url"),
            ({"key_variable": "SECRET_KEY"}, "endpoint.key_variable"),
            ({"key_variable": "DATABASE_URL"}, "endpoint.key_variable"),
            ({"key": "sk-1234567890"}, "endpoint.key"),
            ({"flavour": "responses"}, "endpoint.flavour"),
            ({"timeout_seconds": 0}, "endpoint.timeout_seconds"),
            ({"retries": 11}, "endpoint.retries"),
            ({"model": ""}, "endpoint.model"),
        ],
    )
    def test_what_cannot_be_asked_is_refused_by_field(self, stub, tmp_path, endpoint, words):
        content = served(tmp_path, stub).content
        with pytest.raises(ContentError, match=words):
            kinds.get("model").parse({**content, "endpoint": {**content["endpoint"], **endpoint}})

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"endpoint": None}, "endpoint is needed"),
            ({"held": "elsewhere", "source": "x"}, "endpoint must be empty"),
            ({"weights_digest": "0" * 64}, "weights_digest must be empty"),
            ({"gaps": []}, "weights_digest is neither given nor named as a gap"),
        ],
    )
    def test_it_is_held_as_it_says(self, stub, tmp_path, changes, words):
        with pytest.raises(ContentError, match=words):
            kinds.get("model").parse({**served(tmp_path, stub).content, **changes})

    def test_its_page_and_card_say_what_is_not_known(self, stub, tmp_path, people):
        keys.generate()
        version = served(tmp_path, stub)
        client = Client()
        client.force_login(people.axel)
        html = client.get("/versions/model:api@1/").content.decode()
        for told in ("Not held: asked as", MODEL, stub.base_url, "Which weights answer is not known"):
            assert told in html, told
        size = settle().size
        document = collect(version, size)
        assert document.get("authenticity.endpoint_base_url").value == stub.base_url
        weights = document.get("authenticity.weights")
        assert (weights.state, weights.value) == ("undisclosed", None)
        assert "undisclosed by upstream" in markdown.render(card_of(version, size)).lower()


class TestAllowing:
    def test_a_host_that_the_operator_did_not_name_is_refused_with_what_to_do(
        self, stub, tmp_path, settings, capsys
    ):
        served(tmp_path, stub)
        sums_suite(tmp_path)
        for hosts in ([], ["api.example.com"], ["127.0.0.1"], ["127.0.0.1:1"], ["[::"], [f"x{stub.host}"]):
            settings.CHARTER_ENDPOINT_HOSTS = hosts
            with pytest.raises(SystemExit):
                call_command("evaluate", "model:api", "eval-suite:sums", "--as", "ada")
            said = capsys.readouterr().err
            assert "inputs.evaluated" in said
            assert f"adding {stub.host} to CHARTER_ENDPOINT_HOSTS" in said
        assert not Run.objects.exists()
        assert stub.asked == []

    def test_the_browser_and_the_api_refuse_it_alike(self, stub, tmp_path, people, settings):
        served(tmp_path, stub)
        sums_suite(tmp_path)
        settings.CHARTER_ENDPOINT_HOSTS = []
        browser = Client()
        browser.force_login(people.ada)
        body = {"model": "model:api", "suite": "eval-suite:sums"}
        said = browser.post("/api/v1/evaluations/", body, content_type="application/json")
        assert said.status_code == 422, said.content
        assert "CHARTER_ENDPOINT_HOSTS" in said.content.decode()
        given = opened(browser, "/evaluations/new/?model=model:api@1")
        page = browser.post("/evaluations/new/", {**given, "inputs.evaluated_on.0": "eval-suite:sums"})
        assert page.status_code == 422
        assert "CHARTER_ENDPOINT_HOSTS" in page.content.decode()
        assert not Run.objects.exists()

    def test_what_was_allowed_when_it_was_queued_is_asked_again_when_it_starts(
        self, stub, tmp_path, settings
    ):
        served(tmp_path, stub)
        sums_suite(tmp_path)
        call_command("evaluate", "model:api", "eval-suite:sums", "--as", "ada")
        settings.CHARTER_ENDPOINT_HOSTS = []
        run = followed(Run.objects.get())
        assert (run.state, run.failure_class) == (states.FAILED, "bad_input")
        assert "CHARTER_ENDPOINT_HOSTS" in run.reason
        assert stub.asked == []

    @pytest.mark.parametrize(
        ("value", "words"),
        [("", "has no such variable"), ("short", "is no key"), ("a key with spaces", "is no key")],
    )
    def test_without_a_usable_key_no_job_is_started(self, stub, tmp_path, monkeypatch, value, words):
        served(tmp_path, stub)
        sums_suite(tmp_path)
        monkeypatch.setenv(KEY_VARIABLE, value)
        run = evaluate()
        assert (run.state, run.failure_class) == (states.FAILED, "bad_input")
        assert words in run.reason
        assert not value or value not in run.reason
        assert stub.asked == []

    def test_a_served_model_is_not_trained_on(self, stub, tmp_path):
        from training.resolve import SpecRefused, resolve
        from training.spec import SpecDraft

        served(tmp_path, stub)
        builders.dataset(tmp_path)
        draft = SpecDraft(
            stage="sft",
            inputs={"init_from": ["model:api"], "trained_on": ["dataset:chats"]},
            output={"slug": "tuned", "title": "Tuned"},
        )
        with pytest.raises(SpecRefused, match="is asked at an address"):
            resolve(draft)


def followed(run: Run) -> Run:
    from training.follow import follow

    return follow(run, actor=ADA)


class TestEvaluating:
    def test_from_the_command_to_rows_entries_evidence_and_card_without_the_key_anywhere(
        self, stub, tmp_path, people
    ):
        keys.generate()
        model = served(tmp_path, stub)
        sums_suite(tmp_path, few_shot=1)
        stub.behave = lambda request, number: (
            completion(f"{KEY} 3", model="acme-small")
            if prompt_of(request) == "0 + 1?"
            else sums(request, number)
        )
        run = evaluate()
        assert run.state == states.SUCCEEDED, run.reason

        summary = run.activity.summary
        assert summary["endpoint"] == {
            "base_url": stub.base_url, "flavour": "chat", "asked": MODEL, "reported": [MODEL, "acme-small"], "fingerprints": [],
            "finish_reasons": {"stop": 6}, "empty": 0, "weights": "undisclosed by upstream",
            "warnings": [f"Asked for '{MODEL}', the endpoint says that '{MODEL}' and 'acme-small' answered."],
        }  # fmt: skip
        (result,) = summary["results"]
        assert (result["n"], result["score"]) == (6, "0.666667")
        rows = [loads_canonical(line) for line in blobs.read(summary["items_sha256"]).splitlines()]
        assert rows[0]["response"] == "[key] 3"
        assert len(stub.asked) == 6
        assert [message["role"] for message in stub.asked[0]["messages"]] == ["user", "assistant", "user"]
        assert set(stub.keys) == {f"Bearer {KEY}"}
        assert KEY not in everywhere(run)
        assert "Asked for" in " ".join(event.data.get("message", "") for event in run.events.all())

        document = collect(model, settle().size)
        score = document.get("results.sums.score")
        assert (score.value, score.assurance) == ("0.666667", "reported")
        assert document.get("reproducibility.1.endpoint_reported").value == (MODEL, "acme-small")
        assert document.get("reproducibility.1.endpoint_weights").value == "undisclosed by upstream"
        client = Client()
        client.force_login(people.axel)
        page = client.get(f"/evaluations/{run.activity.pk}/").content.decode()
        assert "undisclosed by upstream" in page
        assert "acme-small" in page

    def test_a_failure_keeps_nothing_names_no_key_and_can_be_retried(self, stub, tmp_path):
        served(tmp_path, stub)
        sums_suite(tmp_path)
        behave, stub.behave = (
            stub.behave,
            lambda _request, _number: Response(f"No such key: {KEY}".encode(), 401),
        )
        run = evaluate()
        assert (run.state, run.failure_class) == (states.FAILED, "endpoint")
        assert run.reason == (
            f"The endpoint refuses the key in {KEY_VARIABLE} (status 401: No such key: [key])."
        )
        assert_nothing_kept(run)
        assert KEY not in everywhere(run)

        stub.behave = behave
        again = followed(actions.retry(run, actor=ADA))
        assert again.state == states.SUCCEEDED, again.reason

    def test_tools_are_called_over_an_endpoint(self, stub, tmp_path):
        keys.generate()
        model = served(tmp_path, stub)
        stub.behave = agent
        suite_of(tmp_path, "tools", [TASK], {"tools.jsonl": [BERN, {**BERN, "id": "other", "target": "No"}]})
        run = evaluate(on="eval-suite:tools")
        assert run.state == states.SUCCEEDED, run.reason
        (result,) = run.activity.summary["results"]
        assert (result["score"], result["calls"]) == (
            "0.5",
            {"expected": 2, "right": 2, "unneeded": 0, "malformed": 0},
        )
        document = collect(model, settle().size)
        assert document.get("results.tools.calls_right").value == 2
        assert document.get("results.tools.calls_right").unit == "calls"


CHOICES = {
    "name": "pick",
    "kind": "multiple_choice",
    "metric": "acc",
    "margin": "0.1",
    "file": "pick.jsonl",
    "choices_field": "choices",
}


@pytest.mark.slow
class TestEveryFailureInAProcessOfItsOwn:
    @pytest.mark.parametrize(
        ("behave", "words"),
        [
            (lambda _r, _n: Response(b"oops", 500), "answered with status 500: oops; tried 2 times"),
            (lambda _r, _n: Response(b"<html>Busy</html>", 200, {"Content-Type": "text/html"}), "gave an answer that cannot be read"),
            (lambda _r, _n: Response(completion("3").body[:-9]), "cannot be read"),
            (lambda _r, _n: Response(b"", 429, {"Retry-After": "9999"}), "9999 s of rest"),
            (lambda _r, _n: whole([{"index": n, "message": {"content": "3"}} for n in range(2)]), "not as agreed: choices"),
            (lambda _r, _n: completion(None), "holds no text"),
            (lambda _r, _n: completion("  "), "All 6 answers of the endpoint are empty"),
            (lambda _r, _n: Response(b'{"choices": [{"message": {"content": NaN}}]}'), "NaN"),
        ],
        ids=["500", "HTML", "truncated", "429", "choices", "null", "empty", "NaN"],
    )  # fmt: skip
    def test_it_ends_failed_with_a_reason_and_nothing_half_stored(self, stub, tmp_path, behave, words):
        served(tmp_path, stub)
        sums_suite(tmp_path)
        stub.behave = behave
        run = evaluate()
        assert (run.state, run.failure_class) == (states.FAILED, "endpoint")
        assert words in run.reason
        assert_nothing_kept(run)

    def test_one_that_hangs_is_given_up(self, stub, tmp_path):
        import time

        served(tmp_path, stub, timeout_seconds=1)
        sums_suite(tmp_path)
        stub.behave = lambda _r, _n: time.sleep(3) or completion("3")
        run = evaluate()
        assert "did not answer within 1 s; tried 2 times" in run.reason
        assert_nothing_kept(run)

    def test_errors_that_pass_are_forgotten(self, stub, tmp_path):
        served(tmp_path, stub)
        sums_suite(tmp_path)
        errors = [Response(b"", 500), Response(b"", 429, {"Retry-After": "1"})]
        stub.behave = lambda request, number: errors[number] if number < 2 else sums(request, number)
        run = evaluate()
        assert (run.state, len(stub.asked)) == (states.SUCCEEDED, 8)

    @pytest.mark.parametrize(
        ("endpoint", "suite_fields", "words"),
        [
            ({}, {"chat_template": False}, "always applies one"),
            ({"flavour": "completions"}, {}, "applies none"),
        ],
    )
    def test_a_suite_that_does_not_fit_the_flavour_is_refused(
        self, stub, tmp_path, endpoint, suite_fields, words
    ):
        served(tmp_path, stub, **endpoint)
        version = sums_suite(tmp_path)
        content = {**version.content, **suite_fields, "title": "Other"}
        registry.register("eval-suite", "other", content, actor=ADA)
        run = evaluate(on="eval-suite:other")
        assert run.failure_class == "bad_input"
        assert words in run.reason
        assert stub.asked == []

    def test_multiple_choice_is_asked_by_letter(self, stub, tmp_path):
        served(tmp_path, stub)
        stub.behave = lambda _request, _number: completion("B.")
        items = [{"id": "a", "prompt": "1 + 1?", "choices": ["1", "2"], "target": "2"}]
        suite_of(tmp_path, "pick", [CHOICES], {"pick.jsonl": items})
        run = evaluate(on="eval-suite:pick")
        (told,) = run.activity.summary["results"]
        assert (told["score"], told["form"]) == ("1", "letters")


def assert_nothing_kept(run: Run) -> None:
    assert run.activity.state == Activity.FAILED
    assert "results" not in run.activity.summary
    assert run.activity.produced == []


SERVED = {
    "endpoint": {"base_url": "https://api.example.com/v1", "flavour": "chat", "asked": MODEL, "reported": [], "fingerprints": [],
                 "finish_reasons": {"stop": 400}, "empty": 0, "weights": "undisclosed by upstream",
                 "warnings": ["The endpoint does not say which model answered."]},
    "chat_template_sha256": None, "dtype": None, "device": None, "libraries": {"aiohttp": "3"},
}  # fmt: skip
SCORES = {"sums": [1] * 300 + [0] * 100, "harm": [1] * 400}


class TestComparing:
    @pytest.fixture
    def sides(self, people, tmp_path):
        basics = suite(tmp_path)
        local = builders.model(tmp_path)
        return basics, local, builders.trained(tmp_path, local, [builders.dataset(tmp_path)])

    def test_an_endpoint_is_compared_with_weights_and_the_difference_told(self, sides, tmp_path):
        basics, local, api = sides
        a = evaluated(api, basics, tmp_path, SCORES, **SERVED)
        b = evaluated(local, basics, tmp_path, SCORES)
        for found in (compare_evaluations(a, b), compare_evaluations(b, a)):
            assert {task.n for task in found.tasks} == {400}
            told = " ".join(found.warnings)
            assert "Which weights answered, and through which chat template, is not known" in told
            assert "items are paired by what they ask" in told
            assert "The endpoint does not say which model answered." in told

    def test_other_settings_are_refused_all_the_same(self, sides, tmp_path):
        from evals.compare import NotLikeForLike

        basics, local, api = sides
        a = evaluated(api, basics, tmp_path, SCORES, **SERVED, system_instruction_sha256="5" * 64)
        b = evaluated(local, basics, tmp_path, SCORES)
        with pytest.raises(NotLikeForLike) as refused:
            compare_evaluations(a, b)
        assert refused.value.field == "system_instruction_sha256"


def test_the_key_is_in_no_environment_but_the_jobs(stub):
    """What other jobs see is a fixed list of names, and the key's is not among them."""
    from training.launchers.environment import job_environment

    assert os.environ[KEY_VARIABLE] == KEY
    inside = job_environment(django_settings.BASE_DIR, django_settings.CHARTER_CACHE)
    assert KEY not in inside.values()
