"""Files that lm-eval itself wrote, about the small model, and the same model measured here: they agree item by item."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from evals import comparison
from evals.compare import Measured, compare
from evals.importing.actions import import_evaluation
from evals.importing.suites import NewSuite
from governance.ledger.canonical import loads, loads_canonical
from governance.registry import actions, blobs, importers
from tests import builders
from tests.builders import ADA
from tests.evals.test_harness import CHOICES, FILES, SUMS, run_here

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("db")]


@pytest.fixture
def written(small_model, tmp_path) -> list[Path]:
    """What `lm_eval --log_samples --output_path` leaves behind: two filters of one task, two metrics of the other."""
    import lm_eval
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    tasks = tmp_path / "tasks"
    tasks.mkdir()
    for name, config in (("sums", sums()), ("choices", choices())):
        rows = builders.write_lines(tmp_path / f"{name}-rows.jsonl", documents(name))
        data = {"data_files": {"test": str(rows)}, "cache_dir": str(tmp_path / "cache")}
        common = {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": data,
            "test_split": "test",
            "doc_to_text": "prompt",
        }
        (tasks / f"{name}.yaml").write_text(yaml.safe_dump({**common, **config}))
    tracker = EvaluationTracker(output_path=str(tmp_path / "out"))
    found = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(small_model), "dtype": "float32"},
        tasks=["sums", "choices"],
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
        apply_chat_template=True,
        fewshot_as_multiturn=True,
        device="cpu",
        batch_size=4,
        log_samples=True,
        bootstrap_iters=0,
        evaluation_tracker=tracker,
    )
    samples = found.pop("samples")
    tracker.save_results_aggregated(results=found, samples=samples)
    for name in samples:
        tracker.save_results_samples(task_name=name, samples=samples[name])
    return sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())


def documents(name):
    rows = FILES[f"{name}.jsonl"]
    return (
        [{**row, "target": row["choices"].index("7") if row["target"] == "7" else 1} for row in rows]
        if name == "choices"
        else rows
    )


def sums():
    digits = [{"function": "regex", "regex_pattern": "([0-9]+)"}, {"function": "take_first"}]
    return {
        "doc_to_target": "target", "target_delimiter": "", "output_type": "generate_until",
        "generation_kwargs": {"do_sample": False, "max_gen_toks": 4, "until": []},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "filter_list": [{"name": "strict", "filter": [{"function": "take_first"}]}, {"name": "digits", "filter": digits}],
    }  # fmt: skip


def choices():
    metrics = [
        {"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm")
    ]
    return {
        "doc_to_target": "target", "doc_to_choice": "choices", "target_delimiter": "", "output_type": "multiple_choice",
        "metric_list": metrics, "num_fewshot": 1, "fewshot_split": "test", "fewshot_config": {"sampler": "first_n"},
    }  # fmt: skip


def test_what_lm_eval_wrote_agrees_with_what_is_measured_here(make_job, written, tmp_path):
    tasks, files = [SUMS, CHOICES], {name: FILES[name] for name in ("sums.jsonl", "choices.jsonl")}
    folder = make_job(tasks, files, batch_size=4)
    assert run_here(folder)["status"] == "succeeded"
    own = Measured(
        [loads_canonical(line) for line in (folder / "outputs/items.jsonl").read_bytes().splitlines()],
        loads((folder / "outputs/results.json").read_bytes()),
    )

    (folder / "suite" / "suite.yaml").write_text(
        yaml.safe_dump({"title": "Sums", "status": "dev", "tasks": tasks})
    )
    found = importers.read("eval-suite", folder / "suite" / "suite.yaml", {})
    suite = actions.register("eval-suite", "sums", found.content, files=found.files, actor=ADA)
    brought = import_evaluation(written, builders.model(tmp_path), suite, filter="strict", actor=ADA)

    summary = brought.activity.summary
    assert (summary["harness"]["version"], summary["not_recorded"]) == ("0.4.13", [])
    theirs = Measured(
        [loads(line) for line in blobs.read(summary["items_sha256"]).splitlines()],
        loads(blobs.read(summary["results_sha256"])),
    )
    ours = {(row["task"], row["item"]): row for row in own.items}
    assert len(theirs.items) == len(ours) == 20
    for row in theirs.items:
        same = ours[row["task"], row["item"]]
        for name in ("item_hash", "prompt_hash", "target", "response", "score"):
            assert row[name] == same[name], (row["item"], name)
    assert theirs.results["chat_template_sha256"] == own.results["chat_template_sha256"]

    with pytest.raises(comparison.NotLikeForLike) as error:
        compare(theirs, own)
    assert (error.value.task, error.value.field) == ("sums", "filter")
    only = [Measured(side.items, {**side.results, "results": [t for t in side.results["results"] if t["task"] == "choices"]})
            for side in (theirs, own)]  # fmt: skip
    task = compare(*only).tasks[0]
    assert (task.n, task.n10, task.n01) == (4, 0, 0)


def test_a_suite_is_made_of_what_lm_eval_wrote(written, tmp_path):
    path = next(one for one in written if one.name.startswith("results"))
    told = json.loads(path.read_text())
    for one in written:
        if "choices" in one.name:
            one.unlink()
    for field in ("results", "configs", "n-samples", "n-shot", "versions", "higher_is_better"):
        told[field].pop("choices", None)
    path.write_text(json.dumps(told))
    files = [one for one in written if one.exists()]
    brought = import_evaluation(
        files, builders.model(tmp_path), NewSuite("made", Decimal("0.02")), filter="digits", actor=ADA
    )
    assert brought.activity.summary["results"][0]["score"] == "0.9375"
