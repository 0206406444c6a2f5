"""lm-eval's results brought in at the command line: what is kept, what it is compared with, and every refusal."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from evals import comparison
from evals.compare import NotLikeForLike
from evals.harness.results import task_result
from evals.harness.suite import read_suite
from governance.ledger.canonical import loads, loads_canonical, sha256_hex
from governance.ledger.models import Entry
from governance.registry import actions, blobs
from governance.registry.models import Activity, Blob, Version
from tests import builders
from tests.builders import ADA
from tests.cast import gather
from tests.evals.foreign import DATE, TEMPLATE_SHA, lm_eval_files, lm_eval_results, lm_eval_sample
from tests.evals.recorded import evaluated, suite

pytestmark = pytest.mark.usefixtures("db")
SCORES = [1.0] * 14 + [0.0] * 6


@pytest.fixture
def world(tmp_path):
    gather()
    comparison.by_digest.cache_clear()
    return builders.model(tmp_path), suite(tmp_path, items=20)


def bring(files, *options, model="model:base", suite="eval-suite:basics", name="ada"):
    out = StringIO()
    told = ["--suite", suite] if suite else []
    call_command(
        "import_eval", *map(str, files), "--model", model, *told, "--as", name, "--json", *options, stdout=out
    )
    return Activity.objects.get(pk=json.loads(out.getvalue())["evaluation"])


def refused(capsys, files, *options, **changes) -> str:
    """The refusal's sentence, once it is sure that nothing was recorded."""
    before = (
        Entry.objects.count(),
        Activity.objects.count(),
        Version.objects.count(),
        set(Blob.objects.values_list("sha256")),
    )
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        bring(files, *options, **changes)
    assert ended.value.code == 1
    after = (
        Entry.objects.count(),
        Activity.objects.count(),
        Version.objects.count(),
        set(Blob.objects.values_list("sha256")),
    )
    assert before == after
    return capsys.readouterr().err


def rows_of(activity):
    return [loads_canonical(line) for line in blobs.read(activity.summary["items_sha256"]).splitlines()]


def test_items_results_and_originals_are_kept(world, tmp_path):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    activity = bring(files)
    summary = activity.summary
    assert (activity.kind, activity.state, activity.by) == ("evaluation", "ended", Entry.objects.last().actor)
    assert [(edge["role"], edge["subject"]) for edge in activity.used] == [
        ("evaluated", "model:base@1"), ("evaluated_on", "eval-suite:basics@1"),
    ]  # fmt: skip
    assert (summary["recorded_by"], summary["format"], summary["items_rows"]) == ("import", "lm-eval", 20)
    assert [blobs.read(file["sha256"]) for file in summary["files"]] == [path.read_bytes() for path in files]
    assert [file["name"] for file in summary["files"]] == [path.name for path in files]

    rows = rows_of(activity)
    assert [row["item"] for row in rows] == [f"s{n:04}" for n in range(20)]
    sent = lm_eval_sample(3, 1.0)["arguments"]["gen_args_0"]["arg_0"]
    assert rows[3] == {
        "task": "sums", "item": "s0003", "item_hash": sha256_hex(b'{"choices":[],"prompt":"3 + 1?","target":"4"}'),
        "prompt_hash": sha256_hex(sent.encode()), "target": "4", "filter": "strict", "response": "4", "score": "1", "flags": [],
    }  # fmt: skip

    results = loads_canonical(blobs.read(summary["results_sha256"]))
    assert sha256_hex(blobs.read(summary["results_sha256"])) == summary["results_sha256"]
    assert results["harness"] == {"name": "lm-eval", "version": "0.4.13", "task_versions": "sums 1.0"}
    assert (results["seed"], results["limit"], results["dtype"], results["not_recorded"]) == (
        7,
        None,
        "float32",
        [],
    )
    assert results["chat_template_sha256"] == TEMPLATE_SHA
    [task] = results["results"]
    assert (task["n"], task["items"], task["score"], task["direction"], task["margin"]) == (
        20,
        20,
        "0.7",
        "higher",
        "0.02",
    )
    assert task["ci_low"] < "0.7" < task["ci_high"]


def test_a_task_is_told_as_the_harness_tells_it(world, tmp_path):
    activity = bring(lm_eval_files(tmp_path / "run", {"strict": SCORES}))
    content = world[1].content
    place = blobs.lay_out(content["files"], tmp_path / "laid")
    task = next(one for one in read_suite(content, place) if one.task.name == "sums")
    made, ours = activity.summary["results"][0], task_result(task, rows_of(activity))
    assert made == {**ours, "filter": "strict"}


def test_the_same_files_again_change_nothing(world, tmp_path):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    first, entries = bring(files), Entry.objects.count()
    assert bring(files) == first
    assert Entry.objects.count() == entries
    other = bring(lm_eval_files(tmp_path / "other", {"strict": [1.0] * 20}))
    assert other != first


def test_one_of_several_filters_is_chosen(world, tmp_path, capsys):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES, "flexible": [1.0] * 20})
    assert "the filters flexible, strict; choose one" in refused(capsys, files)
    assert "no filter 'loose'; its filters are flexible, strict" in refused(
        capsys, files, "--filter", "loose"
    )
    activity = bring(files, "--filter", "flexible")
    assert {row["filter"] for row in rows_of(activity)} == {"flexible"}
    assert activity.summary["results"][0]["score"] == "1"


def test_a_trial_is_known_as_one(world, tmp_path):
    def limited(told):
        told["config"]["limit"] = 5.0

    activity = bring(lm_eval_files(tmp_path / "run", {"strict": SCORES[:5]}, results=limited))
    assert (activity.summary["limit"], activity.summary["results"][0]["n"]) == ("5", 5)
    assert activity.summary["results"][0]["items"] == 20


def stated(**changes):
    return lambda told: told["results"]["sums"].update(
        {name.replace("__", ","): value for name, value in changes.items()}
    )


def first(**changes):
    return lambda rows: rows[1].update(changes)


def without(name):
    return lambda rows: rows[1].pop(name)


def edited(rows):
    rows[1]["arguments"]["gen_args_0"]["arg_0"] = "another"


@pytest.mark.parametrize(
    ("results", "samples", "said"),
    [
        (stated(exact_match__strict=0.75), None, "states exact_match = 0.75 for the task sums, and its 20 items have a mean of 0.7"),
        (stated(exact_match__strict=0.71), None, "a mean of 0.7"),
        (lambda told: told["n-samples"]["sums"].update(effective=21), None, "states 21 items of the task sums, and holds 20"),
        (None, lambda rows: rows.pop(), "states 20 items of the task sums, and holds 19"),
        (stated(exact_match__strict=float("nan")), None, "NaN"),
        (None, first(exact_match=float("nan")), "line 2: NaN"),
        (None, first(exact_match=float("inf")), "line 2: Infinity"),
        (None, first(exact_match="good"), "line 2: the score is 'good'"),
        (None, first(exact_match=75.0), "line 2: the score is 75.0; scores are shares from 0 to 1"),
        (None, first(exact_match=-0.5), "line 2: the score is -0.5"),
        (None, without("exact_match"), "line 2: the metric 'exact_match' is missing"),
        (None, without("doc_id"), "line 2: the field 'doc_id' is missing"),
        (None, first(doc_id="one"), "line 2: the field 'doc_id' is 'one'"),
        (None, lambda rows: rows.append(rows[4]), "line 21: the item 's0004' of the task sums stands there twice"),
        (None, first(filter="other"), "line 2: the results state nothing behind the filter 'other', only behind strict"),
        (None, without("filter"), "line 2: the field 'filter' is missing"),
        (None, edited, "line 2: the prompt does not have the prompt_hash that stands there"),
        (None, first(doc={"prompt": "5 + 5?", "target": "10"}), "line 2: the task sums of eval-suite:basics@1 has no item"),
        (None, first(doc={"prompt": "\ud800", "target": "10"}), "line 2: this cannot be kept"),
        (lambda told: told.pop("configs"), None, "the field 'configs' is missing"),
        (lambda told: told["results"].pop("sums"), None, "states no result of the task sums"),
        (lambda told: told.update(config=[]), None, "the field 'config' is '[]'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(world, tmp_path, capsys, results, samples, said):
    files = lm_eval_files(
        tmp_path / "run",
        {"strict": SCORES},
        results=results or (lambda _: None),
        samples=samples or (lambda _: None),
    )
    assert said in refused(capsys, files)


def test_a_total_is_compared_at_the_precision_that_it_is_printed_with(world, tmp_path, capsys):
    thirds = [1.0] * 13 + [0.0] * 7
    bring(lm_eval_files(tmp_path / "exact", {"strict": thirds}, results=stated(exact_match__strict=0.65)))
    bring(
        lm_eval_files(
            tmp_path / "short",
            {"strict": [1.0] * 14 + [0.5] + [0.0] * 5},
            results=stated(exact_match__strict=0.72),
        )
    )
    assert "a mean of 0.725" in refused(
        capsys,
        lm_eval_files(
            tmp_path / "off",
            {"strict": [1.0] * 14 + [0.5] + [0.0] * 5},
            results=stated(exact_match__strict=0.724),
        ),
    )


def test_a_malformed_line_is_named(world, tmp_path, capsys):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    lines = files[1].read_text().splitlines()
    for broken, said in (
        ('{"doc_id": 1', "line 3: not JSON"),
        ("[1]", "line 3: this must be a JSON object"),
        ("\xff", "line 3: not"),
    ):
        files[1].write_bytes("\n".join([*lines[:2], broken, *lines[3:]]).encode("latin-1"))
        assert said in refused(capsys, files)


def test_all_files_of_the_run_are_wanted(world, tmp_path, capsys):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    assert "samples_sums_….jsonl is missing" in refused(capsys, files[:1])
    assert "one results_*.json" in refused(capsys, files[1:])
    assert "There is no file gone.json" in refused(capsys, [tmp_path / "gone.json", files[1]])
    stranger = files[1].rename(tmp_path / "run" / "samples_other_2026-05-04T10-00-00.123456.jsonl")
    assert "holds no samples of a task" in refused(capsys, [files[0], stranger])
    later = stranger.rename(tmp_path / "run" / "samples_sums_2027-05-04T10-00-00.123456.jsonl")
    assert "was written by another run" in refused(capsys, [files[0], later])


def test_sizes_are_bounded(world, tmp_path, capsys, monkeypatch):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    for name, limit, said in (
        ("evals.importing.log.MOST_LINE", 200, "line 1: the line has more than"),
        ("evals.importing.log.MOST_WHOLE", 200, "the most that is read as one document"),
        ("evals.importing.items.MOST_ITEMS", 19, "line 20: these are more than 19 items"),
        ("evals.importing.formats.MOST_FILES", 1, "takes 1 to 1 files"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(name, limit)
            assert said in refused(capsys, files)


def test_a_suite_must_have_the_tasks_and_the_metric(world, tmp_path, capsys):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES}, task="products")
    assert "eval-suite:basics@1 has no task products; its tasks are harm, sums" in refused(capsys, files)

    def otherwise(told):
        told["results"]["sums"] = {"f1,strict": 0.7}

    files = lm_eval_files(tmp_path / "metric", {"strict": SCORES}, results=otherwise)
    assert "The suite measures exact_match in the task sums, and the file has f1" in refused(capsys, files)
    part = lm_eval_files(tmp_path / "part", {"strict": SCORES[:10]})
    assert "holds 10 items of the task sums, and eval-suite:basics@1 20" in refused(capsys, part)


def test_what_is_withdrawn_or_of_another_kind_is_refused(world, tmp_path, capsys):
    model, basics = world
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    assert "is of the kind eval-suite" in refused(capsys, files, model="eval-suite:basics")
    assert "There is no 'eval-suite:sume'" in refused(capsys, files, suite="eval-suite:sume")
    actions.save_draft("model", "young", {}, actor=ADA)
    assert "no sealed version" in refused(capsys, files, model="model:young")
    assert "model:young@1 is draft" in refused(capsys, files, model="model:young@1")
    for version in (basics, model):
        fresh = Version.objects.get(pk=version.pk)
        actions.revoke(fresh, reason="wrong", actor=ADA)
        assert f"{version.subject} is revoked" in refused(capsys, files)


def test_only_engineers_import(world, tmp_path, capsys):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES})
    for name in ("ravi", "mara", "axel", "otto"):
        assert "This needs the group engineer" in refused(capsys, files, name=name)


def test_a_suite_is_made_from_the_file_and_serves_the_next_import(world, tmp_path, capsys):
    files = lm_eval_files(tmp_path / "run", {"strict": SCORES}, task="Sums-Hard")
    assert "needs its margin" in refused(capsys, files, "--new-suite", "hard", suite=None)
    assert "needs its margin" in refused(capsys, files, "--new-suite", "hard", "--margin", "2", suite=None)
    assert "no name for an artifact" in refused(
        capsys, files, "--new-suite", "Hard!", "--margin", "0.02", suite=None
    )
    activity = bring(files, "--new-suite", "hard", "--margin", "0.02", suite=None)
    made = Version.objects.get(artifact__kind="eval-suite", artifact__slug="hard")
    [task] = made.content["tasks"]
    assert (task["name"], task["metric"], task["margin"], made.content["chat_template"]) == (
        "sums_hard",
        "exact_match",
        "0.02",
        True,
    )
    assert activity.used[1]["digest"] == made.digest
    items = blobs.read(made.content["files"][0]["sha256"]).splitlines()
    assert loads(items[3]) == {"id": "doc-000003", "prompt": "3 + 1?", "target": "4"}

    tuned = builders.model(tmp_path, "tuned", tensors={"a": [9.0]})
    better = lm_eval_files(tmp_path / "better", {"strict": [1.0] * 20}, task="Sums-Hard")
    second = bring(better, model=tuned.subject, suite="eval-suite:hard")
    found = comparison.compare_evaluations(second, activity)
    assert (found.tasks[0].n, found.tasks[0].n10, found.tasks[0].n01) == (20, 6, 0)


def test_a_metric_of_several_is_named_for_a_new_suite(world, tmp_path, capsys):
    def two(told):
        told["results"]["sums"]["f1,strict"] = 0.7

    files = lm_eval_files(tmp_path / "run", {"strict": SCORES}, results=two)
    options = ("--new-suite", "hard", "--margin", "0.02")
    assert "has the metrics exact_match, f1; name one" in refused(capsys, files, *options, suite=None)
    bring(files, *options, "--metric", "exact_match", suite=None)


def choices_files(folder: Path, right: int) -> list[Path]:
    """A multiple-choice task of three items, asked by log-likelihood without a template."""
    folder.mkdir()
    told = lm_eval_results({"none": [1.0] * right + [0.0] * (3 - right)}, "pick")
    told["results"]["pick"] = {"acc,none": right / 3, "acc_norm,none": 0.0}
    told["configs"]["pick"] = {
        "output_type": "multiple_choice",
        "doc_to_text": "question",
        "doc_to_choice": "options",
    }
    told["chat_template_sha"] = None
    (folder / f"results_{DATE}.json").write_text(json.dumps(told))
    with (folder / f"samples_pick_{DATE}.jsonl").open("w") as out:
        for n in range(3):
            likelihoods = [["-1.5", "False"], ["-0.5" if n < right else "-2.5", "True"]]
            sample = {
                "doc_id": n, "doc": {"question": f"Pick {n}", "options": ["x", "y"], "label": 1}, "target": "1",
                "arguments": {f"gen_args_{k}": {"arg_0": f"Pick {n}", "arg_1": f" {c}"} for k, c in enumerate("xy")},
                "resps": [[one] for one in likelihoods], "filtered_resps": likelihoods, "filter": "none",
                "prompt_hash": sha256_hex(f"Pick {n}".encode()), "acc": float(n < right), "acc_norm": 0.0,
            }  # fmt: skip
            out.write(json.dumps(sample) + "\n")
    return sorted(folder.iterdir())


def test_choices_are_read_with_the_likeliest_as_response(world, tmp_path):
    activity = bring(
        choices_files(tmp_path / "run", 2),
        "--new-suite",
        "pick",
        "--margin",
        "0.1",
        "--metric",
        "acc",
        suite=None,
    )
    rows = rows_of(activity)
    assert [(row["response"], row["target"], row["score"], row["filter"]) for row in rows] == [
        ("y", "y", "1", "likeliest"), ("y", "y", "1", "likeliest"), ("x", "y", "0", "likeliest"),
    ]  # fmt: skip
    hashed = sha256_hex(b'{"choices":["x","y"],"prompt":"Pick 0","target":"y"}')
    assert rows[0]["item_hash"] == hashed
    assert activity.summary["results"][0]["kind"] == "multiple_choice"


def test_a_comparison_with_an_own_evaluation_names_the_field_that_differs(world, tmp_path):
    model, basics = world
    own = evaluated(model, basics, tmp_path, {"sums": [1] * 20})
    imported = bring(lm_eval_files(tmp_path / "run", {"strict": SCORES}))
    with pytest.raises(NotLikeForLike, match="prompt_hash of task sums") as error:
        comparison.compare_evaluations(imported, own)
    assert error.value.field == "prompt_hash"
