"""Tables of scores brought in: what is kept, every refusal with its line, and a large one in bounded memory."""

import csv
import tracemalloc
from decimal import Decimal

import pytest

from evals import comparison
from evals.compare import NotLikeForLike
from evals.importing.actions import import_evaluation
from evals.importing.suites import NewSuite
from governance.ledger.canonical import loads, sha256_hex
from governance.registry import blobs
from governance.registry.models import Blob, Version
from tests import builders
from tests.builders import ADA
from tests.evals.foreign import prompts, table
from tests.evals.test_import_lm_eval import bring, refused, rows_of, world

__all__ = ["world"]

pytestmark = pytest.mark.usefixtures("db")
COLUMNS = ("task", "item", "score")


def full(number: int = 20, right: int = 14, **changes):
    """Rows that tell all that a table can tell."""
    return [
        {
            "task": "sums", "item": f"q{n:02}", "score": int(n < right), "filter": "strip", "cluster": f"c{n % 5}",
            "prompt": prompt, "target": target, "response": target, **changes,
        }
        for n, (prompt, target) in enumerate(prompts(number))
    ]  # fmt: skip


def bare(number: int = 20, right: int = 14):
    return [{name: row[name] for name in COLUMNS} for row in full(number, right)]


def test_a_full_table_becomes_the_items_of_the_suite(world, tmp_path):
    activity = bring([table(tmp_path / "scores.csv", full())])
    rows = rows_of(activity)
    assert rows[3] == {
        "task": "sums", "item": "s0003", "item_hash": sha256_hex(b'{"choices":[],"prompt":"3 + 1?","target":"4"}'),
        "prompt_hash": sha256_hex(b"3 + 1?"), "target": "4", "filter": "strip", "response": "4", "score": "1", "flags": [],
        "cluster": "c3",
    }  # fmt: skip
    summary = activity.summary
    assert (summary["format"], summary["harness"], summary["seed"]) == ("csv", {"name": "csv"}, None)
    assert set(summary["not_recorded"]) == {
        "libraries", "chat_template_sha256", "system_instruction_sha256", "seed", "limit", "batch_size", "dtype", "device",
    }  # fmt: skip
    assert (summary["results"][0]["few_shot"], summary["results"][0]["generation"]) == (None, None)


def test_a_bare_table_has_rows_without_hashes_that_pair_with_nothing(world, tmp_path):
    tuned = builders.model(tmp_path, "tuned", tensors={"a": [9.0]})
    first = bring([table(tmp_path / "scores.csv", bare())])
    second = bring([table(tmp_path / "others.csv", bare(right=20))], model=tuned.subject)
    assert {
        (row["item_hash"], row["prompt_hash"], row["target"], row["response"]) for row in rows_of(first)
    } == {(None,) * 4}
    assert first.summary["results"][0]["task_hash"] is None
    with pytest.raises(NotLikeForLike, match="item_hash of task sums is 'not recorded'"):
        comparison.compare_evaluations(second, first)


def test_two_full_tables_are_compared(world, tmp_path):
    tuned = builders.model(tmp_path, "tuned", tensors={"a": [9.0]})
    first = bring([table(tmp_path / "scores.csv", full())])
    second = bring([table(tmp_path / "others.csv", full(right=20))], model=tuned.subject)
    found = comparison.compare_evaluations(second, first)
    assert (found.tasks[0].n, found.tasks[0].difference) == (20, pytest.approx(0.3))


def test_fractions_get_a_normal_interval_and_keep_their_digits(world, tmp_path):
    rows = [{**row, "score": f"0.{n:02}5"} for n, row in enumerate(bare())]
    activity = bring([table(tmp_path / "scores.csv", rows)])
    task = activity.summary["results"][0]
    assert (task["score"], task["failure_rate_upper"]) == ("0.1", None)
    assert task["ci_low"] < "0.1" < task["ci_high"]
    assert rows_of(activity)[3]["score"] == "0.035"


def test_a_table_with_a_byte_order_mark_and_quoted_lines_is_read(world, tmp_path):
    rows = full()
    with (tmp_path / "scores.csv").open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "response": 'first,\n"second"'} for row in rows)
    assert rows_of(bring([tmp_path / "scores.csv"]))[0]["response"] == 'first,\n"second"'


GOOD = "sums,q1,1\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the column 'task' is missing"),
        ("task,item,score\n", "has no lines below its first"),
        ("task,item\nsums,q1\n", "line 1: the column 'score' is missing"),
        ("task,item,score,colour\n", "line 1: there is no column 'colour'"),
        ("task,item,score,score\n", "line 1: a column stands there twice"),
        (f"task,item,score\n{GOOD}sums,q2\n", "line 3: this line has 2 cells, and there are 3 columns"),
        (f"task,item,score\n{GOOD}sums,q2,1,1\n", "line 3: this line has 4 cells"),
        (f"task,item,score\n{GOOD}sums,,1\n", "line 3: the column 'item' is empty"),
        (f"task,item,score\n{GOOD}sums,q2,\n", "line 3: the column 'score' is empty"),
        (f"task,item,score\n{GOOD}sums,q2,good\n", "line 3: the score is 'good'"),
        (f"task,item,score\n{GOOD}sums,q2,NaN\n", "line 3: the score is NaN"),
        (f"task,item,score\n{GOOD}sums,q2,inf\n", "line 3: the score is Infinity"),
        (f"task,item,score\n{GOOD}sums,q2,75\n", "line 3: the score is 75; scores are shares"),
        (f"task,item,score\n{GOOD}sums,q2,1e999999\n", "line 3: the score is 1E+999999"),
        (f"task,item,score\n{GOOD}sums,q1,0\n", "line 3: the item 'q1' of the task sums stands there twice"),
        (f'task,item,score\n{GOOD}sums,"q2"x,0\n', "line 3: "),
        (f'task,item,score\n{GOOD}sums,"q2,0\n', "line"),
        ("task,item,score,filter\nsums,q1,1,a\nsums,q2,1,b\n", "behind the filters a, b; choose one"),
        ("task,item,score,filter\nsums,q1,1,a\nsums,q2,1,\n", "behind the filters (none), a; choose one"),
        (f"task,item,score\n{GOOD}songs,q2,1\n", "has no task songs; its tasks are harm, sums"),
        (f"task,item,score\n{GOOD}Sums,q2,1\n", "The tasks sums and Sums would both be called sums"),
        ("task,item,score,prompt,target\nsums,q1,1,5 + 5?,10\n", "line 2: the task sums"),
        (f"task,item,score\n{GOOD}", "holds 1 items of the task sums, and eval-suite:basics@1 20"),
    ],
)
def test_a_table_that_is_not_right_is_refused_with_its_line(world, tmp_path, capsys, text, said):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    if "5 + 5?" in text:
        said += " of eval-suite:basics@1 has no item"
    assert said in refused(capsys, [path])


def test_bytes_that_are_no_text_are_refused(world, tmp_path, capsys):
    path = tmp_path / "scores.csv"
    path.write_bytes(b"task,item,score\nsums,\xff,1\n")
    assert "is not UTF-8" in refused(capsys, [path])
    path.write_bytes(b"task,item,score\nsums,q1\x00,1\n")
    assert "line 2" in refused(capsys, [path])


def test_more_rows_than_one_import_takes_are_refused(world, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("evals.importing.csv_log.MOST_ITEMS", 19)
    assert "has more than 19 lines" in refused(capsys, [table(tmp_path / "scores.csv", bare())])


def test_a_table_of_a_new_suite_needs_prompts_and_targets(world, tmp_path, capsys):
    options = ("--new-suite", "tabled", "--margin", "0.05")
    assert "line 2: the prompt or the target is missing" in refused(
        capsys, [table(tmp_path / "bare.csv", bare())], *options, suite=None
    )
    activity = bring([table(tmp_path / "full.csv", full())], *options, "--metric", "accuracy", suite=None)
    [task] = Version.objects.get(artifact__slug="tabled").content["tasks"]
    assert (task["metric"], task["higher_is_better"], activity.summary["results"][0]["items"]) == (
        "accuracy",
        True,
        20,
    )


@pytest.mark.parametrize(
    ("number", "letters", "most"),
    [(8_000, 3_000, 16), pytest.param(100_000, 900, 64, marks=pytest.mark.slow)],
)
def test_many_rows_pass_in_bounded_memory(db, tmp_path, number, letters, most):
    """Far more text than `most` MiB: neither the table nor the items are ever in memory as a whole."""
    path, filler = tmp_path / "large.csv", "x" * letters
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["task", "item", "score", "prompt", "target", "response"])
        for n in reversed(range(number)):
            writer.writerow(["sums", f"q{n:06}", n % 2, f"{n} + 1? ", n + 1, filler])
    model = builders.model(tmp_path)
    tracemalloc.start()
    try:
        brought = import_evaluation([path], model, NewSuite("large", Decimal("0.02")), actor=ADA)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most * 2**20 < path.stat().st_size
    summary = brought.activity.summary
    assert (summary["items_rows"], summary["results"][0]["score"]) == (number, "0.5")
    with blobs.opened(summary["items_sha256"]) as file:
        lines = iter(file)
        assert [loads(next(lines))["item"] for _ in range(3)] == ["q000000", "q000001", "q000002"]
    assert Blob.objects.filter(sha256=summary["files"][0]["sha256"], size=path.stat().st_size).exists()
