"""`manage.py evaluate`: lm-eval asks the small base model for real; and every way to be refused."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.test import Client

from evals.harness.params import Params
from evals.management.commands.evaluate import draft
from evals.stage import STAGE, results_of
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.canonical import canonical, loads_canonical, sha256_hex
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions as registry
from governance.registry import blobs, importers, lookup
from governance.registry.models import Activity
from tests import builders
from tests.builders import ADA, MARA
from tests.cast import gather
from tests.evals.recorded import suite
from training import states
from training.models import Run
from training.outcome import BadResult, Result
from training.resolve import resolve
from training.tiny import world as tiny

pytestmark = pytest.mark.usefixtures("committed_db")
SUITE = Path(__file__).resolve().parents[2] / "evals/suites/arithmetic-and-refusals.yaml"


@pytest.fixture
def people():
    return gather()


@pytest.fixture
def real(people, tiny_base, tmp_path):
    """The small base model and the shipped suite with ten items a kind."""
    (tmp_path / "items").mkdir()
    builders.write_lines(tmp_path / "items" / "arithmetic.jsonl", tiny.arithmetic_items(3, 10))
    builders.write_lines(tmp_path / "items" / "refusal.jsonl", tiny.refusal_items(3, 10))
    (tmp_path / "suite.yaml").write_text(SUITE.read_text())
    about = {"description": "The small world's base.", "licence": "Apache-2.0", "origin": "pretrained"}
    for kind, slug, path, meta in (
        ("model", "tiny-base", tiny_base, about),
        ("eval-suite", "household", tmp_path / "suite.yaml", {}),
    ):
        found = importers.read(kind, path, meta)
        registry.register(kind, slug, found.content, files=found.files, actor=ADA)


@pytest.fixture
def written(people, tmp_path):
    """A model that cannot run and a suite: enough for what is refused before any job."""
    return builders.model(tmp_path), suite(tmp_path, items=4)


def evaluate(*arguments: str) -> None:
    call_command("evaluate", *arguments, "--as", "ada")


def refused(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        evaluate(*arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_an_evaluation_from_the_command_to_rows_entries_blobs_evidence_and_page(real, people, capsys):
    keys.generate()
    evaluate("model:tiny-base", "eval-suite:household", "--follow", "--json", "--batch-size", "8")
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["stage"], told["produced"]) == (states.SUCCEEDED, "evaluate", [])

    activity = Activity.objects.get(pk=told["activity"])
    assert (activity.kind, activity.state) == ("evaluation", Activity.ENDED)
    assert {(edge["role"], edge["subject"]) for edge in activity.used} == {
        ("evaluated", "model:tiny-base@1"),
        ("evaluated_on", "eval-suite:household@1"),
    }
    summary = activity.summary
    assert (summary["run"], summary["seed"], summary["params"]["batch_size"]) == (told["run"], 0, 8)
    assert (summary["harness"]["name"], summary["items_rows"], summary["limit"]) == ("lm-eval", 30, None)
    assert told["results"] == summary["results"]
    by_task = {result["task"]: result for result in summary["results"]}
    assert {name: result["n"] for name, result in by_task.items()} == dict.fromkeys(by_task, 10)
    assert by_task["harmful_refusal"]["purpose"] == "safety"
    assert float(by_task["arithmetic"]["score"]) > 0

    items = blobs.read(summary["items_sha256"])
    assert sha256_hex(items) == summary["items_sha256"]
    rows = [loads_canonical(line) for line in items.splitlines()]
    assert len(rows) == 30
    written = loads_canonical(blobs.read(summary["results_sha256"]))
    assert (written["results"], written["items_sha256"]) == (summary["results"], summary["items_sha256"])

    entry = Entry.objects.filter(object_type="registry.activity", object_id=told["activity"]).order_by(
        "-rev"
    )[0]
    assert entry.op == "registry:activity:ended"
    public = json.loads(entry.parts["P"]["payload"])["state"]["summary"]
    assert {**public, **json.loads(entry.parts["R"]["payload"])["state"]} == summary
    assert set(summary) - set(public) == {"job"}

    document = collect(lookup.find("model:tiny-base"), settle().size)
    score = document.get("results.arithmetic.score")
    assert (score.value, score.assurance) == (by_task["arithmetic"]["score"], "observed")
    assert document.get("reproducibility.1.items_sha256").value == summary["items_sha256"]

    client = Client()
    client.force_login(people.axel)
    page = client.get(f"/evaluations/{told['run']}/").content.decode()
    assert f"/runs/{told['run']}/" in page
    assert rows[0]["item"] in page
    assert f"/evaluations/{told['activity']}/" in client.get(f"/runs/{told['run']}/").content.decode()


def test_a_limit_is_recorded_and_warned_of_when_compared(real, capsys):
    evaluate("tiny-base", "household", "--follow", "--limit", "2")
    shown = capsys.readouterr().out
    assert "succeeded" in shown
    assert "harmful_refusal" in shown
    (activity,) = Activity.objects.filter(kind="evaluation")
    assert activity.summary["limit"] == 2
    assert {result["n"] for result in activity.summary["results"]} == {2}
    call_command("compare", "tiny-base", "tiny-base")
    assert "this is a trial, not a measurement" in capsys.readouterr().out


def test_without_follow_it_waits_in_the_queue(written, capsys):
    evaluate("model:base", "eval-suite:basics@1", "--json", "--seed", "5")
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["results"]) == (states.QUEUED, [])
    run = Run.objects.get(pk=told["run"])
    assert run.label == "Evaluation of model:base@1, eval-suite:basics@1"
    assert run.spec["seed"] == 5
    assert run.spec["params"] == Params().model_dump(mode="json")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("model:base", "eval-suite:basisc"),
            ["inputs.evaluated_on", "eval-suite:basisc", "Did you mean eval-suite:basics"],
        ),
        (("model:bass", "eval-suite:basics"), ["inputs.evaluated", "Did you mean model:base"]),
        (("model:base@9", "eval-suite:basics"), ["inputs.evaluated", "no version 9"]),
        (("eval-suite:basics", "eval-suite:basics"), ["takes a model"]),
        (("model:base", "model:base"), ["takes a eval-suite"]),
        (("no subject!", "eval-suite:basics"), ["inputs.evaluated", "kind:slug"]),
        (("model:base", "eval-suite:basics", "--limit", "0"), ["params.limit", "greater than or equal to 1"]),
        (("model:base", "eval-suite:basics", "--batch-size", "5000"), ["params.batch_size", "1024"]),
        (("model:base", "eval-suite:basics", "--seed", "-1"), ["seed"]),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_its_field(written, capsys, arguments, words):
    said = refused(capsys, *arguments)
    for word in words:
        assert word in said
    assert not Run.objects.exists()


def test_a_revoked_model_is_not_evaluated(written, capsys):
    registry.revoke(lookup.find("model:base"), reason="It leaks.", actor=MARA)
    assert "model:base@1 was revoked" in refused(capsys, "model:base", "eval-suite:basics")


def test_only_engineers_evaluate(written, capsys):
    with pytest.raises(SystemExit) as stopped:
        call_command("evaluate", "model:base", "eval-suite:basics", "--as", "polly")
    assert stopped.value.code == 2
    assert "This needs the group engineer" in capsys.readouterr().err


@pytest.fixture
def outputs(written, tmp_path):
    """What a good job leaves for its run, and `finish` with some of it changed."""
    model, suite = written
    spec = resolve(draft(model.subject, suite.subject))
    folder = tmp_path / "outputs"
    folder.mkdir()
    rows = [{"task": task, "item": f"i{n}"} for task in ("harm", "sums") for n in range(2)]
    items = b"".join(canonical(row) + b"\n" for row in rows)
    results = {
        "model": {"digest": model.digest}, "suite": {"digest": suite.digest}, "harness": {"name": "lm-eval", "version": "1"},
        "results": [{"task": task, "n": 2} for task in ("harm", "sums")], "items_rows": 4, "items_sha256": sha256_hex(items),
    }  # fmt: skip

    def finish(items: bytes = items, raw: bytes | None = None, **changes):
        (folder / "items.jsonl").write_bytes(items)
        (folder / "results.json").write_bytes(raw or canonical({**results, **changes}))
        listed = [
            {"path": path.name, "size": path.stat().st_size, "sha256": sha256_hex(path.read_bytes())}
            for path in folder.iterdir()
        ]
        result = Result(status="succeeded", reason=None, failure_class=None, outputs=listed, summary={})
        return results_of(SimpleNamespace(parsed=spec), result, folder)

    return finish


def test_a_good_result_becomes_the_summary(outputs):
    finished = outputs()
    assert finished.products == []
    assert (finished.summary["items_rows"], len(finished.summary["results"])) == (4, 2)
    assert STAGE.activity_kind == "evaluation"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"items": b""}, "not the one that its results speak of"),
        ({"items_sha256": "0" * 64}, "not the one that its results speak of"),
        ({"items_rows": 5}, "The results count"),
        ({"results": [{"task": "harm", "n": 2}, {"task": "sums", "n": 3}]}, "The results count"),
        ({"model": {"digest": "0" * 64}}, "asked for another"),
        ({"suite": {"digest": "0" * 64}}, "asked for another"),
        ({"results": "none"}, "results"),
        ({"raw": b"{"}, "cannot be read"),
        ({"raw": b"[]"}, "is not as agreed"),
        ({"raw": b"[1]"}, "cannot be read"),
    ],
)
def test_files_that_do_not_belong_together_are_not_believed(outputs, changes, words):
    with pytest.raises(BadResult) as refusal:
        outputs(**changes)
    assert words in str(refusal.value)


def test_a_result_that_leaves_out_a_task_is_not_believed(outputs):
    items = b"".join(canonical({"task": "sums", "item": f"i{n}"}) + b"\n" for n in range(2))
    with pytest.raises(BadResult, match="The suite has the tasks"):
        outputs(items, results=[{"task": "sums", "n": 2}], items_rows=2, items_sha256=sha256_hex(items))
