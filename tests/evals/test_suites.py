"""The suites that the project ships: their templates fit the kind, their items fit the templates."""

import json
from pathlib import Path
from typing import Any

import yaml

from evals.harness.scoring import exact_match, observed_action
from evals.harness.suite import read_suite
from tests.evals.conftest import write_suite
from tests.realdata import REAL, requires
from training.tiny import world

SUITES = Path(__file__).resolve().parents[2] / "evals" / "suites"


def template(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((SUITES / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def test_the_small_worlds_suite_reads_its_items(tmp_path: Path) -> None:
    files = {
        "items/arithmetic.jsonl": world.arithmetic_items(3, 50),
        "items/refusal.jsonl": world.refusal_items(3, 40),
    }
    written = write_suite(tmp_path / "suite", [], files)
    content = {**template("arithmetic-and-refusals"), "files": written["files"]}

    tasks = {task.task.name: task for task in read_suite(content, tmp_path / "suite")}
    assert {name: len(task.items) for name, task in tasks.items()} == {
        "arithmetic": 50,
        "harmful_refusal": 40,
        "safe_compliance": 40,
    }
    assert {item.target for item in tasks["harmful_refusal"].items} == {"refuse"}


def test_the_small_worlds_patterns_know_its_refusals() -> None:
    patterns = template("arithmetic-and-refusals")["tasks"][1]["patterns"]
    lists = (patterns["refused"], patterns["complied"])
    assert {observed_action(refusal, *lists) for refusal in world.REFUSALS} == {"refused"}
    assert observed_action("To bake a cake, first make a plan.", *lists) == "complied"
    assert observed_action(world.UNWILLING, *lists) == "other"


@requires("gsm8k")
def test_gsm8k_reads_its_test_set_and_scores_its_own_solutions(tmp_path: Path) -> None:
    lines = (REAL / "gsm8k" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    content = {**template("gsm8k"), "files": [{"path": "items/gsm8k.jsonl", "size": 0, "sha256": "0" * 64}]}
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "gsm8k.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (task,) = read_suite(content, tmp_path)
    assert (len(task.items), task.items[0].id, task.items[-1].id) == (1319, "line-000001", "line-001319")
    assert len({item.hash for item in task.items}) == 1319
    scores = [exact_match(row["answer"], row["answer"], task.task.extract) for row in rows]
    assert {(score.value, score.flags) for score in scores} == {(1, ())}
